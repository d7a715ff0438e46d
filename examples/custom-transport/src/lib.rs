#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod line;
mod plugin;
#[cfg(not(target_arch = "wasm32"))]
mod unix;

#[cfg(not(target_arch = "wasm32"))]
use unix as platform;

pub use line::Line;
pub use platform::LineEnd;
pub use plugin::PLUGIN;

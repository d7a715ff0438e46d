#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[cfg(target_arch = "wasm32")]
mod channel;
#[cfg(target_arch = "wasm32")]
mod greeting;
mod line;
mod plugin;
#[cfg(target_arch = "wasm32")]
mod port;
#[cfg(not(target_arch = "wasm32"))]
mod unix;

#[cfg(target_arch = "wasm32")]
use greeting as platform;
#[cfg(not(target_arch = "wasm32"))]
use unix as platform;

pub use line::Line;
pub use plugin::PLUGIN;

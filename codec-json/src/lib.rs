#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod codec;
#[cfg(feature = "plugin")]
mod plugin;

pub use codec::CODEC;
#[cfg(feature = "plugin")]
pub use plugin::PLUGIN;

#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod handler;
mod network;
#[cfg(feature = "plugin")]
mod plugin;

pub use handler::InMemoryHandler;
pub use network::InMemoryNetwork;
#[cfg(feature = "plugin")]
pub use plugin::PLUGIN;

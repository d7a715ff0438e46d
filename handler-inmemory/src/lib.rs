#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod handler;
mod network;

pub use handler::InMemoryHandler;
pub use network::InMemoryNetwork;

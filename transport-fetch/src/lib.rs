#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[cfg(target_arch = "wasm32")]
mod browser;
mod client;
mod connector;
mod end;
mod limits;
#[cfg(not(target_arch = "wasm32"))]
mod native;
mod pipe;
#[cfg(feature = "plugin")]
mod plugin;
#[cfg(all(feature = "axum", not(target_arch = "wasm32")))]
mod server;
mod transport;
mod wire;

#[cfg(target_arch = "wasm32")]
use browser as platform;
#[cfg(not(target_arch = "wasm32"))]
use native as platform;

pub use connector::FetchConnector;
pub use limits::Limits;
#[cfg(feature = "plugin")]
pub use plugin::PLUGIN;
#[cfg(all(feature = "axum", not(target_arch = "wasm32")))]
pub use server::{ConnectionId, FetchAcceptor};
pub use transport::FetchTransport;

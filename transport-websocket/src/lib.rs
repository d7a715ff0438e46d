#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[cfg(not(target_arch = "wasm32"))]
mod acceptor;
#[cfg(target_arch = "wasm32")]
mod browser;
mod closed;
mod connector;
mod end;
mod limits;
#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(feature = "plugin")]
mod plugin;
mod transport;

#[cfg(target_arch = "wasm32")]
use browser as platform;
#[cfg(not(target_arch = "wasm32"))]
use native as platform;

#[cfg(not(target_arch = "wasm32"))]
pub use acceptor::WebSocketAcceptor;
pub use closed::Closed;
pub use connector::WebSocketConnector;
pub use limits::Limits;
#[cfg(feature = "plugin")]
pub use plugin::PLUGIN;
pub use transport::WebSocketTransport;

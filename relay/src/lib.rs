#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod carriers;
mod config;
mod connection;
mod gate;
mod hall;
mod line;
mod metrics;
mod relay;
mod room;
mod router;
mod server;
#[cfg(feature = "tokens")]
mod tokens;

pub use config::RelayConfig;
pub use relay::Relay;
#[cfg(feature = "tokens")]
pub use tokens::{Claims, KeyFile, Tokens};
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;

#[cfg(feature = "axum")]
mod axum;
mod connect;
mod connection;
mod hub;
mod socket;

pub(crate) use connect::{Options, check, open};
pub(crate) use connection::Connection;
pub(crate) use socket::config;

#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod trust;

pub use tokio_rustls::client::TlsStream;
pub use trust::Trust;

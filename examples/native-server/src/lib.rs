#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod bob;
mod server;

pub use bob::Bob;
pub use server::server;

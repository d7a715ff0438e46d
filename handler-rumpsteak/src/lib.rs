#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod channel;
mod endpoint;
mod handler;
mod into_frame;
mod metadata;
#[cfg(feature = "plugin")]
mod plugin;
mod session;
mod sink_stream;
mod turns;

pub use channel::SimpleChannel;
pub use endpoint::RumpsteakEndpoint;
pub use handler::RumpsteakHandler;
pub use into_frame::IntoFrame;
pub use metadata::SessionMetadata;
#[cfg(feature = "plugin")]
pub use plugin::PLUGIN;
pub use session::RumpsteakSession;

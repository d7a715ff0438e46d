#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod accept;
mod admission;
mod config;
mod core;
mod join;
mod keeper;
mod keys;
mod limits;
mod pair;
mod peer;
mod session;
mod shared;
#[cfg(test)]
mod simulation;
mod status;
mod time;
pub mod wire;

pub use accept::{Accepted, Acceptor};
pub use admission::{
    Admission, Admitted, Anyone, Authority, Greeting, Terms, Ticket, Unplayable, Visitor,
};
pub use config::SessionConfig;
pub use limits::{Limits, Timing};
pub use peer::PeerTransport;
pub use session::Session;
pub use status::{Link, PeerStatus, Status};

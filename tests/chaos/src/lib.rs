//! Sessions over real sockets that break: what breaks them, and what counts what arrives.
//!
//! A [`Proxy`] stands between two sockets and cuts, stalls and delays as it is told. [`Direct`] is
//! a role that others call, [`exchange`](exchange::exchange) a conversation of which every message is
//! checked, and [`Counting`] looks at the frames on their way. The tests are in `tests/`, and those
//! with the relay's program are with the relay.

#![deny(missing_docs)]

mod counting;
mod direct;
pub mod exchange;
mod proxy;

pub use counting::{Counting, Frames};
pub use direct::Direct;
pub use proxy::{Cut, Fate, Passed, Proxy, Way};

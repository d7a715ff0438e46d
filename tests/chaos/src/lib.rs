//! Sessions over real sockets that break: what breaks them, and what counts what arrives.
//!
//! A [`Proxy`] stands between two sockets and cuts, stalls and delays as it is told, and a
//! [`Gateway`] does so with whole requests of HTTP. [`Direct`] is a role that others call, and a [`Program`] the relay
//! as a process, which can be killed. All that is called is at an address of its own ([`loopback`]).
//! Of an [`exchange`] of two and a [`conversation`] of three every message is checked, and
//! [`Counting`] looks at the frames on their way. The tests are in `tests/`, and those with the
//! relay's program are with the relay, and with the tests in browsers.
//!
//! Without the feature `sockets` there is only what browsers have, too: those who speak.

#![deny(missing_docs)]

#[cfg(feature = "sockets")]
mod breaks;
pub mod conversation;
mod counting;
#[cfg(feature = "sockets")]
mod direct;
pub mod exchange;
#[cfg(feature = "sockets")]
mod gateway;
#[cfg(feature = "sockets")]
mod loopback;
#[cfg(feature = "sockets")]
mod program;
#[cfg(feature = "sockets")]
mod proxy;
#[cfg(feature = "sockets")]
mod seats;
mod tally;

#[cfg(feature = "sockets")]
pub use breaks::Breaks;
pub use counting::{Counting, Frames};
#[cfg(feature = "sockets")]
pub use direct::Direct;
#[cfg(feature = "sockets")]
pub use gateway::{Gateway, Manner};
#[cfg(feature = "sockets")]
pub use loopback::loopback;
#[cfg(feature = "sockets")]
pub use program::{Keys, Process, Program};
#[cfg(feature = "sockets")]
pub use proxy::{Cut, Fate, Passed, Proxy, Way};
#[cfg(feature = "sockets")]
pub use seats::seats;
pub use tally::Tally;

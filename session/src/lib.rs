#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod core;
mod limits;
mod pair;
#[cfg(test)]
mod simulation;
pub mod wire;

pub use limits::{Limits, Timing};

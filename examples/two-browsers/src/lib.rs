#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[cfg(all(target_arch = "wasm32", not(target_feature = "atomics")))]
mod allocator;
mod failure;
mod play;
mod player;
pub mod protocol;
mod talk;
mod tally;
mod ways;

pub use failure::Failure;
pub use play::{Stack, endpoint, play, stack};
pub use player::Player;
pub use talk::Talk;
pub use tally::Tally;
pub use ways::Ways;

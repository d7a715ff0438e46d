//! Simulated worlds: what goes wrong in them does, and is seen again.

mod again;
mod conformance;
mod ends;
mod faults;
mod time;

use std::time::Duration;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

//! Arithmetic on times. `Duration` has its own, at a cost of some kilobytes of a wasm module.

use std::time::Duration;

/// A time in whole microseconds.
pub(crate) fn micros(time: Duration) -> u64 {
    let whole = time.as_secs().saturating_mul(1_000_000);
    whole.saturating_add(time.subsec_micros().into())
}

/// A part of a time, from 0 for nothing to 1 for all of it, to the microsecond.
#[cfg(any(feature = "fault-injection", feature = "retry"))]
pub(crate) fn part(time: Duration, part: f64) -> Duration {
    Duration::from_micros((micros(time) as f64 * part) as u64)
}

/// A time to two digits or three, as people say it.
#[cfg(any(feature = "record", feature = "trace"))]
pub(crate) fn in_words(time: Duration) -> String {
    let micros = micros(time);
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{}.{} ms", micros / 1_000, micros / 100 % 10),
        10_000..10_000_000 => format!("{} ms", micros / 1_000),
        _ => format!("{} s", micros / 1_000_000),
    }
}

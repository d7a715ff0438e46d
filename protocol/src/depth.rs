//! What is read from outside nests to a bounded depth, for it is read, checked and dropped by
//! recursion.

use std::cell::Cell;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

const MOST: usize = 32;

thread_local! {
    /// Of what is being read.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Reads what is one level deeper.
///
/// # Errors
/// Those of the format; that it is too deep.
pub(crate) fn deeper<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let _level = Level::enter();
    if DEPTH.get() > MOST {
        let text = format!(
            "steps nest deeper than {MOST} levels: call a protocol less, or put steps behind each other"
        );
        return Err(Error::custom(text));
    }
    T::deserialize(deserializer)
}

/// One level, which is left when it is dropped.
struct Level;

impl Level {
    fn enter() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

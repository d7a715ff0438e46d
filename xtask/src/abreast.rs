//! Several programs at once.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Result, bail};

use crate::progress::Status;

/// At most so many run at once.
const JOBS: usize = 4;

/// Does `work` for all of `items`, some of them at once, and counts on the status how many have ended.
/// They begin in the order in which they stand there: what takes long belongs to the front.
pub(crate) fn each<I: Sync, T: Send>(
    items: &[I],
    what: &str,
    status: &Status,
    work: impl Fn(&I) -> T + Sync,
) -> Vec<T> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let ended = Mutex::new(Vec::new());
    thread::scope(|scope| {
        // One more than processors: there is always one that waits.
        for _ in 0..(processors + 1).min(JOBS) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = work(item);
                    let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
                    ended.push(result);
                    status.set(format!("{} of {} {what}", ended.len(), items.len()));
                }
            });
        }
    });
    ended.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Passes if none has failed. An error tells what they wrote, and its last lines are theirs, again,
/// where one looks first: each names what failed.
///
/// # Errors
/// If there is a failure.
pub(crate) fn none_failed(failures: &[String]) -> Result<()> {
    if failures.is_empty() {
        return Ok(());
    }
    let names = failures.iter().filter_map(|failure| failure.lines().last());
    let names = names.collect::<Vec<_>>().join("\n");
    bail!("{}\n\nfailed:\n{names}", failures.join("\n\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_done_once() {
        let items: Vec<usize> = (0..100).collect();
        let mut done = each(&items, "numbers", &Status::default(), |item| *item);
        done.sort_unstable();
        assert_eq!(done, items);
    }

    #[test]
    fn of_nothing_nothing_is_done() {
        let done = each(&[] as &[u8], "numbers", &Status::default(), |_| ());
        assert!(done.is_empty());
    }
}

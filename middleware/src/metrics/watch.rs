use std::future::{Future, poll_fn};
use std::task::Poll;

use choreo_core::BoxFuture;
use choreo_core::runtime::Instant;

use super::stats::Stats;

/// Whether an operation was not done at once, and since when, if that is timed.
#[derive(Clone, Copy, Default)]
pub(super) struct Waited {
    pub(super) waited: bool,
    pub(super) since: Option<Instant>,
}

/// Runs an operation, and tells how it waited. Looks at the clock only if it has to wait, and these
/// time the next wait.
pub(super) fn watch<'a, T>(
    mut operation: BoxFuture<'a, T>,
    stats: &'a Stats,
) -> impl Future<Output = (T, Waited)> + use<'a, T> {
    let mut waited = Waited::default();
    poll_fn(move |context| match operation.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready((outcome, waited)),
        Poll::Pending => {
            if !waited.waited {
                waited.waited = true;
                waited.since = stats.times_next().then(Instant::now);
            }
            Poll::Pending
        }
    })
}

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use choreo_core::BoxFuture;
use choreo_core::runtime::Instant;

use super::stats::Stats;

/// An operation on its way to being counted. Looks at the clock only if it has to wait.
pub(super) struct Watch<'a, T, C> {
    operation: BoxFuture<'a, T>,
    /// What decides whether a wait is timed.
    stats: &'a Stats,
    count: C,
    waited: Waited,
}

/// Whether an operation was not done at once, and since when, if that is timed.
#[derive(Clone, Copy, Default)]
pub(super) struct Waited {
    pub(super) waited: bool,
    pub(super) since: Option<Instant>,
}

impl<'a, T, C> Watch<'a, T, C> {
    pub(super) fn new(operation: BoxFuture<'a, T>, stats: &'a Stats, count: C) -> Self {
        Self {
            operation,
            stats,
            count,
            waited: Waited::default(),
        }
    }
}

impl<T, C: FnMut(&T, Waited) + Unpin> Future for Watch<'_, T, C> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let this = self.get_mut();
        let polled = this.operation.as_mut().poll(context);
        match &polled {
            Poll::Ready(outcome) => (this.count)(outcome, this.waited),
            Poll::Pending if this.waited.waited => {}
            Poll::Pending => {
                this.waited.waited = true;
                if this.stats.times_next() {
                    this.waited.since = Some(Instant::now());
                }
            }
        }
        polled
    }
}

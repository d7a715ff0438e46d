use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use choreo_core::BoxFuture;
use choreo_core::runtime::Instant;

use super::stats::{ONE, Stats, WAITED};

/// An operation on its way to being counted. Looks at the clock only if it has to wait.
pub(super) struct Watch<'a, T, C> {
    operation: BoxFuture<'a, T>,
    /// What decides whether a wait is timed.
    stats: &'a Stats,
    count: C,
    waited: Waited,
}

/// What an operation is counted as, `ONE` or one that waited, and since when, if that is timed.
pub(super) struct Waited {
    pub(super) one: u64,
    pub(super) since: Option<Instant>,
}

impl Waited {
    /// Done at once.
    pub(super) const NOT: Self = Self {
        one: ONE,
        since: None,
    };
}

impl<'a, T, C> Watch<'a, T, C> {
    pub(super) fn new(operation: BoxFuture<'a, T>, stats: &'a Stats, count: C) -> Self
    where
        C: FnMut(&T, &Stats, &Waited),
    {
        Self {
            operation,
            stats,
            count,
            waited: Waited::NOT,
        }
    }
}

impl<T, C: FnMut(&T, &Stats, &Waited) + Unpin> Future for Watch<'_, T, C> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let this = self.get_mut();
        let polled = this.operation.as_mut().poll(context);
        match &polled {
            Poll::Ready(outcome) => (this.count)(outcome, this.stats, &this.waited),
            Poll::Pending if this.waited.one != ONE => {}
            Poll::Pending => {
                this.waited.one = ONE + WAITED;
                if this.stats.times_next() {
                    this.waited.since = Some(Instant::now());
                }
            }
        }
        polled
    }
}

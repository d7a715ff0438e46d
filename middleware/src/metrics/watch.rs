use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use choreo_core::runtime::Instant;
use choreo_core::{Incoming, Operation, Result};

use super::stats::{ONE, Peer, Stats, WAITED};
use crate::size::Size;

/// An operation on its way to being counted. Looks at the clock only if it has to wait.
pub(super) struct Watch<F, C> {
    future: F,
    counted: C,
    /// What to count it as.
    one: u64,
    since: Option<Instant>,
}

/// Where an operation is counted.
pub(super) trait Counted<T> {
    /// Decides whether a wait is timed.
    fn stats(&self) -> &Stats;

    /// Counts the outcome: `one` operation, and gives where, or an error.
    fn count(&self, outcome: &T, one: u64) -> Option<&Stats>;
}

impl<F, C> Watch<F, C> {
    pub(super) fn new(future: F, counted: C) -> Self {
        Self {
            future,
            counted,
            one: ONE,
            since: None,
        }
    }
}

impl<F: Future + Unpin, C: Counted<F::Output> + Unpin> Future for Watch<F, C> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.future).poll(context);
        let Poll::Ready(outcome) = &polled else {
            if this.one == ONE {
                this.one = ONE + WAITED;
                if this.counted.stats().times_next() {
                    this.since = Some(Instant::now());
                }
            }
            return Poll::Pending;
        };
        let counted = this.counted.count(outcome, this.one);
        if let (Some(since), Some(stats)) = (this.since, counted) {
            stats.time(since);
        }
        polled
    }
}

/// A message on its way.
pub(super) struct Sending<'a> {
    pub(super) stats: &'a Stats,
    pub(super) size: &'a Size,
}

impl Counted<Result<()>> for Sending<'_> {
    fn stats(&self) -> &Stats {
        self.stats
    }

    fn count(&self, sent: &Result<()>, one: u64) -> Option<&Stats> {
        self.stats.count_sent(sent, one, self.size.get())
    }
}

/// A label on its way.
pub(super) struct Choosing<'a> {
    pub(super) stats: &'a Stats,
    pub(super) bytes: usize,
}

impl Counted<Result<()>> for Choosing<'_> {
    fn stats(&self) -> &Stats {
        self.stats
    }

    fn count(&self, sent: &Result<()>, one: u64) -> Option<&Stats> {
        self.stats.count_sent(sent, one, self.bytes)
    }
}

/// A message or a label that is to come; which, is not known before.
pub(super) struct Receiving<'a> {
    pub(super) peer: &'a Peer,
}

impl Counted<Result<Incoming>> for Receiving<'_> {
    fn stats(&self) -> &Stats {
        self.peer.of(Operation::Recv)
    }

    fn count(&self, received: &Result<Incoming>, one: u64) -> Option<&Stats> {
        let (operation, bytes) = match received {
            Ok(Incoming::Message(message)) => (Operation::Recv, message.bytes().len()),
            Ok(Incoming::Label(label)) => (Operation::Offer, label.as_str().len()),
            Err(_) => {
                self.stats().count_error();
                return None;
            }
        };
        let stats = self.peer.of(operation);
        stats.count(one, bytes);
        Some(stats)
    }
}

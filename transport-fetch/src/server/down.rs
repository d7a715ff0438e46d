//! What goes down, and by which request.

use std::sync::Arc;
use std::task::Poll;

use super::connection::Connection;
use crate::pipe::Batch;

/// What a connection remembers of it.
#[derive(Default)]
pub(super) struct Down {
    /// The number of the latest request for it.
    turn: u64,
    /// The number of the first item that this request was not given yet.
    fresh: u64,
    /// All items before this number went with the answer to a request that brought some.
    offered: u64,
    /// How many requests that brought some are about to be answered.
    holds: usize,
}

/// What a request for it finds.
pub(super) enum Next {
    Batch(Batch),
    /// What there is was offered with another answer, and may have arrived by now.
    Offered,
    /// Nothing: all has gone, or a newer request has superseded it.
    Over,
}

/// For as long as it is there, what goes down waits.
pub(super) struct Hold(Arc<Connection>);

impl Down {
    /// A request takes the place of the one before it, unless it is older.
    pub(super) fn begin(&mut self, turn: u64, next: u64) -> bool {
        let newer = turn >= self.turn;
        if newer {
            self.turn = turn;
            self.fresh = next;
        }
        newer
    }
}

impl Connection {
    /// What is there from a number on for the request of that turn.
    pub(super) async fn down(&self, turn: u64, from: u64, most: usize) -> Next {
        let next = || {
            let mut down = self.down_state();
            if down.turn != turn {
                return Poll::Ready(Next::Over);
            }
            let (base, last) = self.pipe.outgoing();
            if from.max(base) < last {
                if down.holds > 0 {
                    return Poll::Pending;
                }
                if down.offered >= last {
                    return Poll::Ready(Next::Offered);
                }
            }
            self.pipe.poll_batch(from, most).map(|batch| match batch {
                Some(batch) => {
                    down.fresh = batch.after;
                    Next::Batch(batch)
                }
                None => Next::Over,
            })
        };
        self.pipe.until(next).await
    }

    /// Waits until what was offered is acknowledged, or there is more.
    pub(super) async fn settled(&self, turn: u64) {
        let settled = || {
            let down = self.down_state();
            let (base, last) = self.pipe.outgoing();
            let waits = down.turn == turn && base < last && down.offered >= last;
            match waits && !self.pipe.is_over() {
                true => Poll::Pending,
                false => Poll::Ready(()),
            }
        };
        self.pipe.until(settled).await;
    }

    /// What was offered has not arrived: it goes down by a request for it.
    pub(super) fn take_back(&self) {
        self.down_state().offered = 0;
    }

    /// Keeps what goes down for an answer that is about to be given.
    pub(super) fn hold(self: &Arc<Self>) -> Hold {
        self.down_state().holds += 1;
        Hold(self.clone())
    }
}

impl Hold {
    /// Whether there is something that no request was given yet.
    pub(super) fn has_more(&self) -> bool {
        let fresh = self.0.down_state().fresh;
        let (base, last) = self.0.pipe.outgoing();
        fresh.max(base) < last
    }

    /// Gives what is there. It stays there until it is acknowledged.
    pub(super) fn offer(&self, most: usize) -> Option<Batch> {
        let mut down = self.0.down_state();
        let batch = match self.0.pipe.poll_batch(down.fresh, most) {
            Poll::Ready(batch) => batch?,
            Poll::Pending => return None,
        };
        down.offered = batch.after;
        Some(batch)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.down_state().holds -= 1;
        self.0.pipe.stir();
    }
}

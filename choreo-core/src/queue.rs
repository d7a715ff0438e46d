//! A bounded queue between tasks, for handlers and transports.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use crate::wakers::{Wakers, Woken};

/// A bounded queue that any number of tasks may send to and receive from.
///
/// ```
/// use choreo_core::queue::{Closed, Queue};
///
/// # futures::executor::block_on(async {
/// let queue = Queue::new(2);
/// queue.send("one").await?;
/// queue.send("two").await?; // a third would wait
/// queue.close();
///
/// assert_eq!(queue.recv().await, Ok("one"));
/// assert_eq!(queue.recv().await, Ok("two"));
/// assert_eq!(queue.recv().await, Err(Closed));
/// # Ok::<(), Closed>(()) }).unwrap();
/// ```
// Items live in the queue until a receiver takes them, never in a future, so dropping a future
// loses nothing. Whoever waits is only woken and looks again; all are, so that one who is dropped
// after it was woken takes nobody else's turn. (The kept channels either need `&mut` to receive or
// took two to four times as long, and allocate the whole bound at once.)
pub struct Queue<T> {
    capacity: usize,
    state: Mutex<State<T>>,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
    receivers: Wakers,
    senders: Wakers,
}

/// The queue was closed, and for a receiver: is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the queue is closed")]
pub struct Closed;

/// Why an item cannot be sent at once.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused<T> {
    /// There is no room; the item comes back.
    Full(T),
    /// The queue was closed.
    Closed,
}

impl<T: Unpin> Queue<T> {
    /// A queue of at most `capacity` items. A capacity of 0 counts as 1.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let state = State {
            items: VecDeque::new(),
            closed: false,
            receivers: Wakers::default(),
            senders: Wakers::default(),
        };
        Self {
            capacity: capacity.max(1),
            state: Mutex::new(state),
        }
    }

    /// Appends an item if there is room.
    ///
    /// # Errors
    /// [`Refused`] when there is none, or when the queue was closed.
    pub fn try_send(&self, item: T) -> Result<(), Refused<T>> {
        let mut state = self.state();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.items.len() >= self.capacity {
            return Err(Refused::Full(item));
        }
        state.items.push_back(item);
        let receivers = state.receivers.take();
        drop(state);
        receivers.wake();
        Ok(())
    }

    /// Appends an item, waiting while the queue is full; [`Closed`] when it was closed.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, it has not appended the item.
    pub fn send(&self, item: T) -> Send<'_, T> {
        Send {
            queue: self,
            item: Some(item),
            ticket: None,
        }
    }

    /// Takes the first item if there is one; [`Closed`] as [`recv`](Self::recv) says it.
    pub fn try_recv(&self) -> Poll<Result<T, Closed>> {
        let mut state = self.state();
        let Some(item) = state.items.pop_front() else {
            return match state.closed {
                true => Poll::Ready(Err(Closed)),
                false => Poll::Pending,
            };
        };
        let senders = state.senders.take();
        drop(state);
        senders.wake();
        Poll::Ready(Ok(item))
    }

    /// Takes the first item, waiting while there is none; [`Closed`] when the queue was closed and
    /// all of it was taken.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, it has taken nothing.
    pub fn recv(&self) -> Recv<'_, T> {
        Recv {
            queue: self,
            ticket: None,
        }
    }

    /// Refuses further items, and wakes whoever waits. What is queued can still be received.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let woken = [state.receivers.take(), state.senders.take()];
        drop(state);
        woken.into_iter().for_each(Woken::wake);
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Queue")
            .field("queued", &state.items.len())
            .field("capacity", &self.capacity)
            .field("closed", &state.closed)
            .finish()
    }
}

/// Appends an item: what [`Queue::send`] gives.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Send<'a, T: Unpin> {
    queue: &'a Queue<T>,
    item: Option<T>,
    ticket: Option<u64>,
}

impl<T: Unpin> Future for Send<'_, T> {
    type Output = Result<(), Closed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let mut state = this.queue.state();
        if state.closed {
            return Poll::Ready(Err(Closed));
        }
        if state.items.len() >= this.queue.capacity {
            let replaced = state.senders.enter(&mut this.ticket, context.waker());
            drop(state);
            drop(replaced);
            return Poll::Pending;
        }
        if let Some(item) = this.item.take() {
            state.items.push_back(item);
        }
        let left = state.senders.leave(&mut this.ticket);
        let receivers = state.receivers.take();
        drop(state);
        drop(left);
        receivers.wake();
        Poll::Ready(Ok(()))
    }
}

impl<T: Unpin> Drop for Send<'_, T> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let left = self.queue.state().senders.leave(&mut self.ticket);
            drop(left);
        }
    }
}

/// Takes the first item: what [`Queue::recv`] gives.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Recv<'a, T: Unpin> {
    queue: &'a Queue<T>,
    ticket: Option<u64>,
}

impl<T: Unpin> Future for Recv<'_, T> {
    type Output = Result<T, Closed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let mut state = this.queue.state();
        let Some(item) = state.items.pop_front() else {
            if state.closed {
                return Poll::Ready(Err(Closed));
            }
            let replaced = state.receivers.enter(&mut this.ticket, context.waker());
            drop(state);
            drop(replaced);
            return Poll::Pending;
        };
        let left = state.receivers.leave(&mut this.ticket);
        let senders = state.senders.take();
        drop(state);
        drop(left);
        senders.wake();
        Poll::Ready(Ok(item))
    }
}

impl<T: Unpin> Drop for Recv<'_, T> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let left = self.queue.state().receivers.leave(&mut self.ticket);
            drop(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::executor::block_on;
    use futures::future::join;

    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Wake, Waker};

    use super::*;

    #[test]
    fn waits_at_the_bound_and_keeps_the_order() {
        let queue = Queue::new(2);
        for item in 0..2 {
            assert_eq!(queue.send(item).now_or_never(), Some(Ok(())));
        }
        assert_eq!(
            queue.send(9).now_or_never(),
            None,
            "dropped while it waited: not sent"
        );
        let send = async {
            for item in 2..100 {
                queue.send(item).await.unwrap();
            }
        };
        let recv = async {
            for item in 0..100 {
                assert_eq!(queue.recv().await, Ok(item));
            }
        };
        block_on(join(send, recv));
    }

    #[test]
    fn what_is_there_is_taken_at_once_and_makes_room() {
        let queue = Queue::new(1);
        assert_eq!(queue.try_recv(), Poll::Pending);
        assert_eq!(queue.try_send(1), Ok(()));
        let (woken, waker) = flag_waker();
        let mut waits = queue.send(2);
        let waiting = waits.poll_unpin(&mut Context::from_waker(&waker));
        assert!(waiting.is_pending());
        assert_eq!(queue.try_recv(), Poll::Ready(Ok(1)));
        assert!(woken.load(Ordering::SeqCst));
        assert_eq!(waits.now_or_never(), Some(Ok(())));
        queue.close();
        assert_eq!(queue.try_recv(), Poll::Ready(Ok(2)));
        assert_eq!(queue.try_recv(), Poll::Ready(Err(Closed)));
    }

    #[test]
    fn what_a_woken_but_dropped_receiver_leaves_another_one_gets() {
        let queue = Queue::new(2);
        let mut context = Context::from_waker(Waker::noop());
        let mut dropped = queue.recv();
        let mut other = Box::pin(queue.recv());
        assert!(dropped.poll_unpin(&mut context).is_pending());
        let (woken, waker) = flag_waker();
        assert!(
            other
                .poll_unpin(&mut Context::from_waker(&waker))
                .is_pending()
        );
        queue.send(1).now_or_never();
        drop(dropped);
        assert!(woken.load(Ordering::SeqCst));
        assert_eq!(other.now_or_never(), Some(Ok(1)));
    }

    #[test]
    fn those_who_stop_waiting_leave_no_wakers() {
        let queue = Queue::<u8>::new(1);
        for _ in 0..1_000 {
            let mut waits = queue.recv();
            assert!(
                waits
                    .poll_unpin(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
            assert!(
                waits
                    .poll_unpin(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
        }
        assert!(queue.state().receivers.is_empty());
    }

    #[test]
    fn closing_wakes_both_sides_and_loses_nothing() {
        let queue = Queue::new(1);
        block_on(queue.send(1)).unwrap();
        let blocked = queue.send(2);
        let close = async { queue.close() };
        assert_eq!(block_on(join(blocked, close)).0, Err(Closed));
        assert_eq!(block_on(queue.recv()), Ok(1));
        assert_eq!(block_on(queue.recv()), Err(Closed));
        let queue = Queue::<u8>::new(1);
        assert_eq!(
            block_on(join(queue.recv(), async { queue.close() })).0,
            Err(Closed)
        );
    }

    fn flag_waker() -> (Arc<AtomicBool>, Waker) {
        struct Flag(Arc<AtomicBool>);
        impl Wake for Flag {
            fn wake(self: Arc<Self>) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let woken = Arc::<AtomicBool>::default();
        (woken.clone(), Waker::from(Arc::new(Flag(woken))))
    }
}

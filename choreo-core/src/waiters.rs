use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::wakers::Wakers;

/// The tasks that wait for something to happen: nearly always none or one, which needs no
/// allocation.
///
/// Who is woken looks again, and all are, so that one who is dropped after it was woken takes
/// nobody else's turn.
///
/// ```
/// use choreo_core::Waiters;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use std::task::Poll;
///
/// let (open, waiters) = (AtomicBool::new(false), Waiters::default());
/// let opened = waiters.until(|| match open.load(Ordering::Acquire) {
///     true => Poll::Ready("open"),
///     false => Poll::Pending,
/// });
/// let open_it = async {
///     open.store(true, Ordering::Release);
///     waiters.wake();
/// };
/// # futures::executor::block_on(async {
/// assert_eq!(futures::join!(opened, open_it), ("open", ()));
/// # });
/// ```
#[derive(Default)]
pub struct Waiters {
    /// How often they were woken.
    turn: AtomicU64,
    waiting: Mutex<Wakers>,
}

impl Waiters {
    /// Takes the step again each time when the waiters are woken, until it is ready.
    ///
    /// # Cancel safety
    /// Dropped, it waits no more; a step that was not ready was taken for nothing.
    pub fn until<T, S>(&self, step: S) -> Until<'_, S>
    where
        S: FnMut() -> Poll<T> + Unpin,
    {
        Until {
            waiters: self,
            ticket: None,
            step,
        }
    }

    /// To be read before looking whether there is something to wait for.
    fn turn(&self) -> u64 {
        self.turn.load(Ordering::Acquire)
    }

    /// Takes the step until it is done, or the waker is entered.
    fn poll(
        &self,
        ticket: &mut Option<u64>,
        context: &mut Context<'_>,
        step: &mut dyn FnMut() -> bool,
    ) {
        for _ in 0..2 {
            let turn = self.turn();
            if step() || self.wait(turn, ticket, context.waker()) {
                return;
            }
        }
        // Much happens: others get their turn first.
        context.waker().wake_by_ref();
    }

    /// Enters a waker, or renews the one that was entered with the ticket. False if everybody was
    /// woken since `turn`: then it may have happened, and the caller looks again.
    fn wait(&self, turn: u64, ticket: &mut Option<u64>, waker: &Waker) -> bool {
        let mut waiting = self.waiting();
        if self.turn.load(Ordering::Acquire) != turn {
            return false;
        }
        let replaced = waiting.enter(ticket, waker);
        drop(waiting);
        drop(replaced);
        true
    }

    /// Takes back what was entered with the ticket.
    fn leave(&self, ticket: &mut Option<u64>) {
        let left = self.waiting().leave(ticket);
        drop(left);
    }

    /// Wakes everybody. To be called once what they wait for has happened.
    pub fn wake(&self) {
        let mut waiting = self.waiting();
        self.turn.fetch_add(1, Ordering::Release);
        let woken = waiting.take();
        drop(waiting);
        woken.wake();
    }

    fn waiting(&self) -> MutexGuard<'_, Wakers> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }
}

/// What [`Waiters::until`] makes; dropped, it waits no more.
pub struct Until<'a, S> {
    waiters: &'a Waiters,
    ticket: Option<u64>,
    step: S,
}

impl<T, S> Future for Until<'_, S>
where
    S: FnMut() -> Poll<T> + Unpin,
{
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let this = self.get_mut();
        let mut output = Poll::Pending;
        let mut step = || {
            output = (this.step)();
            output.is_ready()
        };
        this.waiters.poll(&mut this.ticket, context, &mut step);
        output
    }
}

impl<S> Drop for Until<'_, S> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            self.waiters.leave(&mut self.ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn all_are_woken_once() {
        let (waiters, count) = (Waiters::default(), Arc::new(Count(AtomicUsize::new(0))));
        let waker = Waker::from(count.clone());
        let mut tickets = [None; 3];
        for ticket in &mut tickets {
            assert!(waiters.wait(waiters.turn(), ticket, &waker));
            assert!(
                waiters.wait(waiters.turn(), ticket, &waker),
                "renewed, not entered twice"
            );
        }
        waiters.wake();
        waiters.wake();
        assert_eq!(count.0.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn who_was_late_looks_again() {
        let waiters = Waiters::default();
        let turn = waiters.turn();
        waiters.wake();
        assert!(!waiters.wait(turn, &mut None, Waker::noop()));
        assert!(waiters.is_empty());
    }

    #[test]
    fn those_who_leave_leave_no_wakers() {
        let waiters = Waiters::default();
        let mut tickets = [None; 3];
        for ticket in &mut tickets {
            waiters.wait(waiters.turn(), ticket, Waker::noop());
        }
        for ticket in &mut tickets {
            waiters.leave(ticket);
            waiters.leave(ticket);
        }
        assert!(waiters.is_empty());
    }
}

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use choreo_core::{Bytes, Result, Waiters};

use super::socket;
use crate::end::{self, End, code};
use crate::{Closed, Limits};

/// What a transport has of a WebSocket: queues only. The WebSocket itself is a JS value, and stays
/// in a task of its own, the driver. Who sends on the same thread, as nearly all do, finds it by its
/// number, and need not wait for the driver's turn.
pub(crate) struct Connection {
    shared: Arc<Shared>,
}

/// Between the transport, the driver, and the events of the browser.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Wait for a frame, the opening or the end.
    readers: Waiters,
    /// Wait for room.
    writers: Waiters,
    /// Waits for work.
    driver: Waiters,
    number: u64,
    limits: Limits,
    place: String,
}

#[derive(Default)]
struct State {
    /// The subprotocol, once it is open.
    opened: Option<String>,
    inbox: VecDeque<Bytes>,
    /// The size of what is in it.
    waiting: usize,
    /// For the driver to send in its next turn.
    outbox: Vec<Bytes>,
    /// The size of what is in it, of what the browser held when it was last asked, and of what it
    /// was given since.
    unsent: usize,
    /// A send waits for room.
    cramped: bool,
    /// This side has closed, with this code and reason.
    closing: Option<(u16, String)>,
    /// What peers are told when they have sent what they must not.
    refusal: Option<(u16, &'static str)>,
    /// The browser has closed it: no event comes any more.
    over: bool,
    end: Option<End>,
}

/// What the driver does next.
pub(crate) enum Work {
    /// Hand these to the browser.
    Send(Vec<Bytes>),
    /// Look how much the browser still holds, now and, while it is not less, in a while.
    MakeRoom,
    /// Close, and wait for the end.
    Close(u16, String),
    /// Stop.
    Nothing,
}

/// What a frame in the inbox takes besides itself.
const OVERHEAD: usize = 64;
/// For the number of the next.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

impl Connection {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(crate) fn place(&self) -> &str {
        &self.shared.place
    }

    /// Waits until it is open, and gives the subprotocol.
    pub(crate) async fn opened(&self) -> Result<String> {
        let shared = &*self.shared;
        let opened = || {
            let state = shared.state();
            match (&state.opened, &state.end) {
                (Some(protocol), _) => Poll::Ready(Ok(protocol.clone())),
                (None, Some(end)) => Poll::Ready(Err(end.unopened(&shared.place))),
                (None, None) => Poll::Pending,
            }
        };
        shared.readers.until(opened).await
    }

    pub(crate) fn try_send(&self, mut frame: Bytes) -> Result<Option<Bytes>> {
        match self.shared.poll_push(&mut frame) {
            Poll::Ready(sent) => sent.map(|()| None),
            Poll::Pending => Ok(Some(frame)),
        }
    }

    pub(crate) fn try_recv(&self) -> Poll<Result<Option<Bytes>>> {
        self.shared.poll_pop()
    }

    pub(crate) async fn send(&self, mut frame: Bytes) -> Result<()> {
        let push = || self.shared.poll_push(&mut frame);
        self.shared.writers.until(push).await
    }

    pub(crate) async fn recv(&self) -> Result<Option<Bytes>> {
        let pop = || self.shared.poll_pop();
        self.shared.readers.until(pop).await
    }

    pub(crate) fn close(&self, code: u16, reason: &str) -> Result<()> {
        let mut state = self.shared.state();
        if let Some(end) = &state.end {
            return match end.is_broken() {
                true => Err(end.error(&self.shared.place)),
                false => Ok(()),
            };
        }
        if state.closing.is_none() {
            state.closing = Some((code, reason.to_owned()));
            drop(state);
            self.shared.writers.wake();
            self.shared.driver.wake();
        }
        Ok(())
    }
}

/// The driver closes, and lets go of everything.
impl Drop for Connection {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        let closing = &mut state.closing;
        closing.get_or_insert_with(|| (code::NORMAL, String::new()));
        state.inbox = VecDeque::new();
        drop(state);
        self.shared.driver.wake();
    }
}

impl Shared {
    pub(crate) fn new(limits: Limits, place: String) -> Self {
        Self {
            state: Mutex::default(),
            readers: Waiters::default(),
            writers: Waiters::default(),
            driver: Waiters::default(),
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            limits,
            place,
        }
    }

    /// The number of the WebSocket, unlike any other.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Takes a frame when there is room.
    fn poll_push(&self, frame: &mut Bytes) -> Poll<Result<()>> {
        let size = frame.len();
        end::check_size(size, self.limits.max_frame, &self.place)?;
        let mut state = self.state();
        if state.closing.is_some() {
            return Poll::Ready(Err(end::closed_here(&self.place)));
        }
        if let Some(end) = &state.end {
            return Poll::Ready(Err(end.error(&self.place)));
        }
        let room = state.unsent == 0 || state.unsent + size <= self.limits.high_water;
        if !room {
            state.cramped = true;
            drop(state);
            self.driver.wake();
            return Poll::Pending;
        }
        state.unsent += size;
        let next = state.opened.is_some() && state.outbox.is_empty();
        drop(state);
        let frame = std::mem::take(frame);
        if !next || !socket::send_here(self.number, &frame) {
            self.state().outbox.push(frame);
            self.driver.wake();
        }
        Poll::Ready(Ok(()))
    }

    /// Gives the next frame when there is one.
    fn poll_pop(&self) -> Poll<Result<Option<Bytes>>> {
        let mut state = self.state();
        if let Some(frame) = state.inbox.pop_front() {
            state.waiting -= frame.len() + OVERHEAD;
            return Poll::Ready(Ok(Some(frame)));
        }
        match &state.end {
            Some(end) => Poll::Ready(end.received(&self.place)),
            None => Poll::Pending,
        }
    }

    /// The driver's next piece of work.
    pub(crate) async fn work(&self) -> Work {
        let next = || {
            let mut state = self.state();
            if state.over {
                return Poll::Ready(Work::Nothing);
            }
            if let Some((code, reason)) = state.refusal {
                return Poll::Ready(Work::Close(code, reason.to_owned()));
            }
            // Nothing can be sent before it is open, but it can be given up.
            if !state.outbox.is_empty() && state.opened.is_some() {
                return Poll::Ready(Work::Send(std::mem::take(&mut state.outbox)));
            }
            match &state.closing {
                Some((code, reason)) => Poll::Ready(Work::Close(*code, reason.clone())),
                None if state.cramped => Poll::Ready(Work::MakeRoom),
                None => Poll::Pending,
            }
        };
        self.driver.until(next).await
    }

    /// How much the browser holds now. Whoever waits for room looks again if it is less.
    pub(crate) fn buffered(&self, bytes: usize) -> bool {
        let mut state = self.state();
        let queued: usize = state.outbox.iter().map(Bytes::len).sum();
        let less = queued + bytes < state.unsent;
        state.unsent = queued + bytes;
        if less {
            state.cramped = false;
            drop(state);
            self.writers.wake();
        }
        less
    }

    /// Waits until the browser has closed it.
    pub(crate) async fn over(&self) {
        let over = || match self.state().over {
            true => Poll::Ready(()),
            false => Poll::Pending,
        };
        self.driver.until(over).await;
    }

    pub(crate) fn opened(&self, protocol: String) {
        self.state().opened = Some(protocol);
        self.readers.wake();
    }

    pub(crate) fn closed(&self, closed: Closed) {
        let mut state = self.state();
        state.over = true;
        let by_us = state.closing.is_some() && closed.clean;
        drop(state);
        self.end(match by_us {
            true => End::by_us(),
            false => End::closed(closed),
        });
    }

    /// The peer has not closed it, as this side has.
    pub(crate) fn not_closed(&self) {
        self.end(End::broken(
            "the peer has not closed it in time, as this side has",
        ));
    }

    pub(crate) fn text_received(&self) {
        let reason = "text where binary is due";
        self.refuse(code::MALFORMED, reason, end::text_received());
    }

    /// Whether a frame of that size is taken. If not, the peer is told so, and has no more to say.
    pub(crate) fn takes(&self, size: usize) -> bool {
        let state = self.state();
        let (ended, waiting) = (state.end.is_some(), state.waiting);
        drop(state);
        let limits = &self.limits;
        if size > limits.max_frame {
            let end = end::too_large_received(size, limits.max_frame);
            self.refuse(code::SIZE, "frame above the limit", end);
            return false;
        }
        if waiting > 0 && waiting + size + OVERHEAD > limits.receive_queue {
            let end = end::too_much_received(limits.receive_queue);
            self.refuse(code::QUOTA, "too many frames that were not received", end);
            return false;
        }
        !ended
    }

    pub(crate) fn received(&self, frame: Bytes) {
        let mut state = self.state();
        state.waiting += frame.len() + OVERHEAD;
        state.inbox.push_back(frame);
        drop(state);
        self.readers.wake();
    }

    fn refuse(&self, code: u16, reason: &'static str, end: End) {
        let mut state = self.state();
        if state.end.is_none() {
            state.refusal = Some((code, reason));
        }
        drop(state);
        self.end(end);
    }

    /// Ends it, unless it has ended.
    fn end(&self, end: End) {
        self.state().end.get_or_insert(end);
        self.readers.wake();
        self.writers.wake();
        self.driver.wake();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

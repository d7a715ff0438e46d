use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use choreo_core::{Bytes, Result, runtime};
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::{self, Message, protocol::CloseFrame};

use super::hub::Hub;
use super::socket::Socket;
use crate::end::{self, End, code};
use crate::{Closed, Limits};

/// A WebSocket without a task of its own: whoever sends or receives drives it.
///
/// The lock is held for as long as a step of non-blocking input or output takes, never across an
/// await, so a receive that waits holds no send up.
pub(crate) struct Connection {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    hub: Arc<Hub>,
    /// The hub's.
    waker: Waker,
    limits: Limits,
    place: String,
}

struct State {
    socket: Box<dyn Socket>,
    /// A frame that a send has met when it looked for pings.
    ahead: Option<Bytes>,
    /// How many frames were put into the socket's buffer, and how many were written out of it.
    fed: u64,
    flushed: u64,
    /// The bytes between the two.
    unflushed: usize,
    /// Since when this side has closed.
    closing: Option<Instant>,
    /// Writing failed. What the peer has sent before can still be read, its reason to close among it.
    unwritable: Option<End>,
    end: Option<End>,
    /// Whether all who wait are to look again.
    changed: bool,
}

impl Connection {
    pub(crate) fn new(socket: impl Socket + 'static, limits: Limits, place: String) -> Self {
        let hub = Arc::<Hub>::default();
        let state = State {
            socket: Box::new(socket),
            ahead: None,
            fed: 0,
            flushed: 0,
            unflushed: 0,
            closing: None,
            unwritable: None,
            end: None,
            changed: false,
        };
        let shared = Shared {
            state: Mutex::new(state),
            waker: Waker::from(hub.clone()),
            hub,
            limits,
            place,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    pub(crate) fn place(&self) -> &str {
        &self.shared.place
    }

    pub(crate) async fn send(&self, frame: Bytes) -> Result<()> {
        let shared = &*self.shared;
        end::check_size(frame.len(), shared.limits.max_frame, &shared.place)?;
        let mut frame = Some(frame);
        let feed = || shared.poll_feed(&mut frame, &mut shared.context());
        let number = shared.hub.writers.until(feed).await?;
        let unwritten = Unwritten { shared, number };
        // Whoever sends at the same time feeds now, and the first to go on writes for all.
        runtime::yield_now().await;
        let flush = || shared.poll_flushed(number, &mut shared.context());
        let result = shared.hub.writers.until(flush).await;
        drop(unwritten);
        result
    }

    pub(crate) async fn recv(&self) -> Result<Option<Bytes>> {
        let shared = &*self.shared;
        let recv_or_closing = || {
            let mut state = shared.state();
            match state.poll_recv(shared, &mut shared.context()) {
                Poll::Ready(received) => Poll::Ready(Ok(received)),
                Poll::Pending => match state.closing {
                    Some(since) => Poll::Ready(Err(since)),
                    None => Poll::Pending,
                },
            }
        };
        let closing = match shared.hub.readers.until(recv_or_closing).await {
            Ok(received) => return received,
            Err(since) => since,
        };
        // This side has closed; the peer need not ever answer.
        let limit = shared
            .limits
            .close_timeout
            .saturating_sub(closing.elapsed());
        let recv = || shared.state().poll_recv(shared, &mut shared.context());
        match runtime::timeout(limit, shared.hub.readers.until(recv)).await {
            Ok(received) => received,
            Err(_) => {
                let why = "the peer has not closed it in time, as this side has";
                let mut state = shared.state();
                let end = state.end.get_or_insert_with(|| End::broken(why)).clone();
                state.changed = true;
                drop(state);
                end.received(&shared.place)
            }
        }
    }

    pub(crate) fn close(&self, code: u16, reason: &str) -> Result<()> {
        let shared = &self.shared;
        let mut state = shared.state();
        if let Some(end) = &state.end {
            return match end.is_broken() {
                true => Err(end.error(&shared.place)),
                false => Ok(()),
            };
        }
        if state.closing.is_some() {
            return Ok(());
        }
        state.start_close(code, reason);
        state.closing = Some(Instant::now());
        state.changed = true;
        let flushed = state.poll_flush(&mut shared.context());
        drop(state);
        match flushed {
            Poll::Ready(Ok(())) => Ok(()),
            Poll::Ready(Err(end)) => Err(end.error(&shared.place)),
            // The peer reads nothing just now: what was sent goes on its way without us.
            Poll::Pending => {
                let limit = shared.limits.close_timeout;
                let shared = shared.clone();
                runtime::spawn(async move {
                    let flush = || shared.state().poll_flush(&mut shared.context());
                    let _ = runtime::timeout(limit, shared.hub.writers.until(flush)).await;
                });
                Ok(())
            }
        }
    }
}

/// Closes in order, in the background where there is one.
impl Drop for Connection {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        let ended = state.end.as_ref();
        if state.unwritable.is_some() || ended.is_some_and(End::is_broken) {
            return;
        }
        if ended.is_none() && state.closing.is_none() {
            state.start_close(code::NORMAL, "");
            state.closing = Some(Instant::now());
        }
        let context = &mut Context::from_waker(Waker::noop());
        let flushed = state.poll_flush(context).is_ready();
        if flushed && state.is_over() {
            return;
        }
        drop(state);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(linger(self.shared.clone()));
        }
    }
}

/// Waits until the peer has closed, too: a socket that is closed with unread bytes in it would make
/// the peer lose what it has not read yet.
async fn linger(shared: Arc<Shared>) {
    let limit = shared.limits.close_timeout;
    let step = || {
        let context = &mut shared.context();
        let mut state = shared.state();
        while ready!(state.poll_flush(context)).is_ok() && !state.is_over() {
            if state.end.is_some() {
                return state.socket.poll_drain(context);
            }
            state.ahead = None;
            ready!(state.poll_read(&shared, context));
        }
        Poll::Ready(())
    };
    let _ = runtime::timeout(limit, shared.hub.readers.until(step)).await;
}

/// A frame in the buffer whose sender may give up waiting.
struct Unwritten<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Unwritten<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if state.flushed < self.number {
            // If it cannot be written now, whoever uses the connection next writes it.
            let _ = state.poll_flush(&mut self.shared.context());
        }
    }
}

impl Shared {
    fn state(&self) -> Locked<'_> {
        Locked {
            state: Some(self.state.lock().unwrap_or_else(PoisonError::into_inner)),
            hub: &self.hub,
        }
    }

    /// In which the socket is polled, always: it wakes the hub.
    fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    /// Puts a frame into the buffer when there is room; gives its number.
    fn poll_feed(&self, frame: &mut Option<Bytes>, context: &mut Context<'_>) -> Poll<Result<u64>> {
        let mut state = self.state();
        state.check_open(&self.place)?;
        let size = frame.as_ref().map_or(0, Bytes::len);
        while state.unflushed > 0 && state.unflushed + size > self.limits.high_water {
            state.look(self, context);
            state.check_open(&self.place)?;
            if let Err(end) = ready!(state.poll_flush(context)) {
                return Poll::Ready(Err(end.error(&self.place)));
            }
        }
        if let Some(frame) = frame.take() {
            state.fed += 1;
            state.unflushed += size + OVERHEAD;
            if let Err(error) = state.socket.start_send(Message::Binary(frame)) {
                let end = state.write_failed(&error);
                return Poll::Ready(Err(end.error(&self.place)));
            }
        }
        Poll::Ready(Ok(state.fed))
    }

    /// Waits until a frame has left the buffer.
    fn poll_flushed(&self, number: u64, context: &mut Context<'_>) -> Poll<Result<()>> {
        let mut state = self.state();
        if state.flushed >= number {
            return Poll::Ready(Ok(()));
        }
        // A peer that sends pings must have its answer from one who only sends, too.
        state.look(self, context);
        Poll::Ready(match state.poll_flush(context) {
            Poll::Ready(Ok(())) => Ok(()),
            // What the peer has said before it left tells more.
            Poll::Ready(Err(end)) => Err(state.end.as_ref().unwrap_or(&end).error(&self.place)),
            Poll::Pending => {
                state.check_open(&self.place)?;
                return Poll::Pending;
            }
        })
    }
}

/// The state while it is locked. Who waits is woken once it is not: a waker may be the last to
/// hold a task, and that task a future of ours.
struct Locked<'a> {
    state: Option<MutexGuard<'a, State>>,
    hub: &'a Hub,
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        self.state.as_ref().expect("held until dropped")
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.state.as_mut().expect("held until dropped")
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let changed = std::mem::take(&mut self.changed);
        self.state = None;
        if changed {
            self.hub.readers.wake();
            self.hub.writers.wake();
        }
    }
}

/// What a frame takes in the buffer besides itself, at most.
const OVERHEAD: usize = 14;

impl State {
    fn poll_recv(
        &mut self,
        shared: &Shared,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>>> {
        // A send that was given up has left something.
        if self.flushed < self.fed {
            let _ = self.poll_flush(context);
        }
        if self.ahead.is_none() {
            ready!(self.poll_read(shared, context));
        }
        Poll::Ready(match (self.ahead.take(), &self.end) {
            (Some(frame), _) => Ok(Some(frame)),
            (None, Some(end)) => end.received(&shared.place),
            (None, None) => return Poll::Pending,
        })
    }

    /// Reads until there is a frame ahead, or the connection has ended.
    fn poll_read(&mut self, shared: &Shared, context: &mut Context<'_>) -> Poll<()> {
        while self.ahead.is_none() && self.end.is_none() {
            let end = match ready!(self.socket.poll_next(context)) {
                Some(Ok(Message::Binary(frame))) => {
                    self.ahead = Some(frame);
                    break;
                }
                // Pings are answered by the socket, with the next read or write.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(_))) if self.closing.is_some() => End::by_us(),
                Some(Ok(Message::Close(frame))) => End::closed(closed(frame)),
                Some(Ok(Message::Text(_))) => {
                    self.start_close(code::MALFORMED, "text where binary is due");
                    end::text_received()
                }
                Some(Err(tungstenite::Error::Capacity(CapacityError::MessageTooLong {
                    size,
                    ..
                }))) => {
                    self.start_close(code::SIZE, "frame above the limit");
                    end::too_large_received(size, shared.limits.max_frame)
                }
                Some(Err(error)) => broken(&error),
                None => End::closed(Closed::broken()),
            };
            self.end = Some(end);
            // The answer to a close; what remains of it is written when the connection is dropped.
            let _ = self.poll_flush(context);
            self.changed = true;
        }
        Poll::Ready(())
    }

    /// Reads what has come meanwhile, at most one frame ahead, for one who does not receive.
    fn look(&mut self, shared: &Shared, context: &mut Context<'_>) {
        if self.ahead.is_none() && self.end.is_none() && self.poll_read(shared, context).is_ready()
        {
            self.changed = true;
        }
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        if let Some(end) = &self.unwritable {
            return Poll::Ready(Err(end.clone()));
        }
        Poll::Ready(match ready!(self.socket.poll_flush(context)) {
            Ok(()) => {
                self.flushed = self.fed;
                self.unflushed = 0;
                Ok(())
            }
            Err(error) => Err(self.write_failed(&error)),
        })
    }

    fn write_failed(&mut self, error: &tungstenite::Error) -> End {
        self.unwritable.get_or_insert_with(|| broken(error)).clone()
    }

    /// Whether something may still be sent.
    fn check_open(&self, place: &str) -> Result<()> {
        if self.closing.is_some() {
            return Err(end::closed_here(place));
        }
        match self.end.as_ref().or(self.unwritable.as_ref()) {
            Some(end) => Err(end.error(place)),
            None => Ok(()),
        }
    }

    /// Puts a close frame into the buffer.
    fn start_close(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame {
            code: code.into(),
            reason: reason.into(),
        };
        // It can only fail if the connection is over anyway.
        let _ = self.socket.start_send(Message::Close(Some(frame)));
    }

    /// Whether both sides have closed, or it broke.
    fn is_over(&self) -> bool {
        self.end.as_ref().is_some_and(|end| !end.is_violation())
    }
}

fn closed(frame: Option<CloseFrame>) -> Closed {
    const NO_CODE: u16 = 1005;
    let (code, reason) = frame.map_or((NO_CODE, String::new()), |frame| {
        (frame.code.into(), frame.reason.as_str().to_owned())
    });
    Closed {
        code,
        reason,
        clean: true,
    }
}

fn broken(error: &tungstenite::Error) -> End {
    match error {
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | tungstenite::Error::ConnectionClosed
        | tungstenite::Error::AlreadyClosed => End::closed(Closed::broken()),
        tungstenite::Error::Io(error) => End::broken(error),
        error => End::broken(error),
    }
}

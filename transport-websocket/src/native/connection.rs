use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use choreo_core::{Bytes, Result, runtime};
use tokio::runtime::Handle;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::{self, Message, protocol::CloseFrame};

use super::hub::Hub;
use super::socket::Socket;
use crate::end::{self, End, code};
use crate::{Closed, Limits};

/// A WebSocket that is driven by whoever sends or receives.
///
/// A send that comes alone is written at once. One that follows another is only put into the buffer:
/// a task that lives for as long as there is something in it writes for all of them. So asking and
/// answering needs no task, and a stream of small frames needs few writes.
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
    runtime: Handle,
}

struct State {
    socket: Box<dyn Socket>,
    /// A frame that was met when looking for pings.
    ahead: Option<Bytes>,
    /// At least how many bytes are in the socket's buffer; none only if it is empty.
    unflushed: usize,
    /// Whether a task writes what is in the buffer.
    writing: bool,
    /// Whether nothing was sent since the last receive, or since the buffer was empty for a while.
    quiet: bool,
    /// Since when this side has closed.
    closing: Option<Instant>,
    /// Writing failed. What the peer has sent before can still be read, its reason to close among it.
    unwritable: Option<End>,
    end: Option<End>,
    /// Whether all who wait are to look again.
    changed: bool,
    /// Whether there may be something to read though the socket has not woken anybody.
    unread: bool,
}

impl Connection {
    pub(crate) fn new(socket: impl Socket + 'static, limits: Limits, place: String) -> Self {
        let hub = Arc::<Hub>::default();
        let state = State {
            socket: Box::new(socket),
            ahead: None,
            unflushed: 0,
            writing: false,
            quiet: true,
            closing: None,
            unwritable: None,
            end: None,
            changed: false,
            unread: true,
        };
        let shared = Shared {
            state: Mutex::new(state),
            waker: Waker::from(hub.clone()),
            hub,
            limits,
            place,
            runtime: Handle::current(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    pub(crate) fn place(&self) -> &str {
        &self.shared.place
    }

    pub(crate) fn try_send(&self, frame: Bytes) -> Result<Option<Bytes>> {
        let shared = &self.shared;
        let mut frame = Some(frame);
        match shared.poll_feed(&mut frame, &mut shared.context()) {
            Poll::Ready(sent) => sent.map(|()| None),
            Poll::Pending => Ok(frame),
        }
    }

    pub(crate) fn try_recv(&self) -> Poll<Result<Option<Bytes>>> {
        let shared = &*self.shared;
        shared.state().poll_recv(shared, &mut shared.context())
    }

    pub(crate) async fn send(&self, frame: Bytes) -> Result<()> {
        let shared = &self.shared;
        let mut frame = Some(frame);
        let feed = || shared.poll_feed(&mut frame, &mut shared.context());
        shared.hub.writers.until(feed).await
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
        // Boxed, lest each receive carries a timer.
        let received = Box::pin(runtime::timeout(limit, shared.hub.readers.until(recv)));
        match received.await {
            Ok(received) => received,
            Err(_) => {
                let mut state = shared.state();
                state.give_up();
                state.received(&shared.place)
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
        // A peer that reads nothing just now gets it later: this waits for nobody.
        match state.poll_flush(&mut shared.context()) {
            Poll::Ready(Ok(())) => Ok(()),
            Poll::Ready(Err(end)) => Err(end.error(&shared.place)),
            Poll::Pending => {
                shared.write_later(&mut state);
                Ok(())
            }
        }
    }
}

/// Closes in order, in the background.
impl Drop for Connection {
    fn drop(&mut self) {
        let shared = &self.shared;
        let mut state = shared.state();
        state.changed = true;
        if state.end.is_none() && state.closing.is_none() {
            state.start_close(code::NORMAL, "");
            state.closing = Some(Instant::now());
        }
        let written = state.poll_flush(&mut shared.context());
        match (&state.end, written) {
            (Some(end), _) if end.is_broken() => state.give_up(),
            (_, Poll::Ready(Err(_))) => {}
            (Some(end), Poll::Ready(Ok(()))) if !end.is_violation() => {}
            _ => {
                shared.runtime.spawn(linger(shared.clone()));
            }
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
    if runtime::timeout(limit, shared.hub.readers.until(step))
        .await
        .is_err()
    {
        shared.state().give_up();
    }
}

/// Writes what is in the buffer until there is nothing in it for a while.
async fn write_out(shared: Arc<Shared>) {
    loop {
        let write = || {
            let mut state = shared.state();
            // A peer that sends pings must have its answer from one who only sends, too.
            state.look(&shared, &mut shared.context());
            state.poll_flush(&mut shared.context())
        };
        let written = shared.hub.writers.until(write).await;
        // Whoever sends at the same time goes on now.
        runtime::yield_now().await;
        let mut state = shared.state();
        if state.unflushed == 0 || written.is_err() {
            state.writing = false;
            state.quiet = true;
            return;
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

    /// Takes a frame when there is room.
    fn poll_feed(
        self: &Arc<Self>,
        frame: &mut Option<Bytes>,
        context: &mut Context<'_>,
    ) -> Poll<Result<()>> {
        let size = frame.as_ref().map_or(0, Bytes::len);
        end::check_size(size, self.limits.max_frame, &self.place)?;
        let mut state = self.state();
        state.check_open(&self.place)?;
        while state.unflushed > 0 && state.unflushed + size > self.limits.high_water {
            state.look(self, context);
            state.check_open(&self.place)?;
            if let Err(end) = ready!(state.poll_flush(context)) {
                return Poll::Ready(Err(end.error(&self.place)));
            }
        }
        let Some(frame) = frame.take() else {
            return Poll::Ready(Ok(()));
        };
        state.unflushed += size + OVERHEAD;
        if let Err(error) = state.socket.start_send(Message::Binary(frame)) {
            let end = state.write_failed(&error);
            return Poll::Ready(Err(end.error(&self.place)));
        }
        if std::mem::take(&mut state.quiet) {
            state.look(self, context);
            if let Poll::Ready(written) = state.poll_flush(context) {
                // What the peer has said before it left tells more.
                let why = |end| state.end.as_ref().unwrap_or(&end).error(&self.place);
                return Poll::Ready(written.map_err(why));
            }
        }
        self.write_later(&mut state);
        Poll::Ready(Ok(()))
    }

    /// Has the buffer written by a task.
    fn write_later(self: &Arc<Self>, state: &mut State) {
        if !state.writing {
            state.writing = true;
            self.runtime.spawn(write_out(self.clone()));
        }
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
        self.quiet = true;
        if self.unflushed > 0 {
            // Who waits for an answer has said all; a failure shows when reading, too.
            let _ = self.poll_flush(context);
        }
        if self.ahead.is_none() {
            ready!(self.poll_read(shared, context));
        }
        match self.ahead.take() {
            Some(frame) => Poll::Ready(Ok(Some(frame))),
            None => Poll::Ready(self.received(&shared.place)),
        }
    }

    /// What a receive gives at the end.
    fn received(&self, place: &str) -> Result<Option<Bytes>> {
        self.end
            .as_ref()
            .map_or(Ok(None), |end| end.received(place))
    }

    /// Reads until there is a frame ahead, or the connection has ended.
    fn poll_read(&mut self, shared: &Shared, context: &mut Context<'_>) -> Poll<()> {
        while self.ahead.is_none() && self.end.is_none() {
            // A read costs as much in vain, and looking before each send, it mostly would be.
            let stirred = shared.hub.was_stirred();
            if !std::mem::take(&mut self.unread) && !stirred {
                return Poll::Pending;
            }
            let next = ready!(self.socket.poll_next(context));
            self.unread = true;
            let end = match next {
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
                self.unflushed = 0;
                Ok(())
            }
            Err(error) => Err(self.write_failed(&error)),
        })
    }

    fn write_failed(&mut self, error: &tungstenite::Error) -> End {
        self.unread = true;
        self.unwritable.get_or_insert_with(|| broken(error)).clone()
    }

    /// Ends whatever still goes on.
    fn give_up(&mut self) {
        let why = "the peer has not closed it in time, as this side has";
        let end = self.end.get_or_insert_with(|| End::broken(why)).clone();
        self.unwritable.get_or_insert(end);
        self.changed = true;
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
        self.unread = true;
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

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use choreo_core::{Bytes, BytesMut, Result, Waiters, runtime};

use crate::Limits;
use crate::end::{self, End};
use crate::wire::Item;

/// One end of a connection without I/O: what waits to be received, and what was sent and not
/// acknowledged yet, both by number.
///
/// The transport is on one side of it, and on the other those who carry: the tasks of a client, the
/// requests of a server.
pub(crate) struct Pipe {
    state: Mutex<State>,
    /// Wait for a frame, the opening or the end.
    readers: Waiters,
    /// Wait for room to send.
    writers: Waiters,
    /// Wait for something to carry, room to put it, or the end.
    carriers: Waiters,
    limits: Limits,
    place: String,
}

#[derive(Default)]
struct State {
    opened: bool,
    inbox: VecDeque<Bytes>,
    /// What is in it, with the overhead.
    waiting: usize,
    /// The number of the next item to come in.
    next: u64,
    /// The other side waits to be told how far that is.
    asked: bool,
    /// The other side has closed: nothing comes in any more.
    ended: bool,
    /// Somebody waits for room to put what comes in.
    cramped: bool,
    /// Nobody receives any more: what comes in is thrown away.
    abandoned: bool,
    outbox: VecDeque<Item>,
    /// The number of the first item in it.
    base: u64,
    /// What is in it, with the overhead.
    unacked: usize,
    /// This side has closed, or follows the other: the end is the last item that goes out.
    closing: bool,
    end: Option<End>,
}

/// What is to be carried to the other side.
pub(crate) struct Batch {
    /// The number of the first item in the body.
    pub(crate) first: u64,
    /// The number after that of the last.
    #[cfg_attr(
        any(target_arch = "wasm32", not(feature = "axum")),
        allow(dead_code, reason = "servers go on from it")
    )]
    pub(crate) after: u64,
    pub(crate) body: Bytes,
}

/// What a frame in a queue takes besides itself.
const OVERHEAD: usize = 64;

impl Pipe {
    pub(crate) fn new(limits: Limits, place: String) -> Self {
        Self {
            state: Mutex::default(),
            readers: Waiters::default(),
            writers: Waiters::default(),
            carriers: Waiters::default(),
            limits,
            place,
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_all(&self) {
        self.readers.wake();
        self.writers.wake();
        self.carriers.wake();
    }
}

/// For the transport.
impl Pipe {
    /// Waits until it is open.
    pub(crate) async fn until_open(&self) -> Result<()> {
        let opened = || {
            let state = self.state();
            match &state.end {
                Some(end) => Poll::Ready(Err(end.error(&self.place))),
                None if state.opened => Poll::Ready(Ok(())),
                None => Poll::Pending,
            }
        };
        self.readers.until(opened).await
    }

    pub(crate) async fn send(&self, mut frame: Bytes) -> Result<()> {
        self.writers.until(|| self.poll_send(&mut frame)).await
    }

    pub(crate) async fn recv(&self) -> Result<Option<Bytes>> {
        self.readers.until(|| self.poll_recv()).await
    }

    /// Takes a frame when there is room.
    pub(crate) fn poll_send(&self, frame: &mut Bytes) -> Poll<Result<()>> {
        let size = frame.len() + OVERHEAD;
        end::check_size(frame.len(), self.limits.max_frame, &self.place)?;
        let mut state = self.state();
        if let Some(end) = &state.end {
            return Poll::Ready(Err(end.error(&self.place)));
        }
        if state.ended {
            return Poll::Ready(Err(end::closed_there(&self.place)));
        }
        if state.closing {
            return Poll::Ready(Err(end::closed_here(&self.place)));
        }
        if state.unacked > 0 && state.unacked + size > self.limits.high_water {
            return Poll::Pending;
        }
        state.unacked += size;
        state.outbox.push_back(Item::Frame(std::mem::take(frame)));
        drop(state);
        self.carriers.wake();
        Poll::Ready(Ok(()))
    }

    /// Gives the next frame when there is one.
    pub(crate) fn poll_recv(&self) -> Poll<Result<Option<Bytes>>> {
        let mut state = self.state();
        if let Some(frame) = state.inbox.pop_front() {
            state.waiting -= frame.len() + OVERHEAD;
            let cramped = std::mem::take(&mut state.cramped);
            drop(state);
            if cramped {
                self.carriers.wake();
            }
            return Poll::Ready(Ok(Some(frame)));
        }
        match &state.end {
            _ if state.ended => Poll::Ready(Ok(None)),
            Some(end) => Poll::Ready(Err(end.error(&self.place))),
            None => Poll::Pending,
        }
    }

    /// Closes after what was sent.
    pub(crate) fn close(&self) -> Result<()> {
        let mut state = self.state();
        if let Some(end) = &state.end {
            return Err(end.error(&self.place));
        }
        state.close();
        drop(state);
        self.wake_all();
        Ok(())
    }

    /// Closes, and throws away what nobody will receive.
    pub(crate) fn abandon(&self) {
        let mut state = self.state();
        state.close();
        state.abandoned = true;
        state.waiting = 0;
        let left = std::mem::take(&mut state.inbox);
        drop(state);
        drop(left);
        self.wake_all();
    }
}

/// For those who carry.
impl Pipe {
    pub(crate) fn opened(&self) {
        self.state().opened = true;
        self.readers.wake();
    }

    /// It ends here, unless both sides have closed it.
    pub(crate) fn give_up(&self, end: End) {
        let mut state = self.state();
        if !state.is_over() {
            state.end.get_or_insert(end);
        }
        drop(state);
        self.wake_all();
    }

    /// The number of the next item to come in.
    pub(crate) fn next(&self) -> u64 {
        self.state().next
    }

    /// The same, to tell the other side.
    pub(crate) fn tell(&self) -> u64 {
        let mut state = self.state();
        state.asked = false;
        state.next
    }

    /// The other side waits to be told how far all was taken.
    pub(crate) fn asked(&self) {
        self.state().asked = true;
        self.carriers.wake();
    }

    /// Takes an item in, once there is room; one that was taken before is passed over.
    ///
    /// # Errors
    /// When an item is missing before it, or it comes after the end.
    pub(crate) async fn take(&self, number: u64, item: Item) -> std::result::Result<(), End> {
        let mut item = Some(item);
        self.carriers
            .until(|| self.poll_take(number, &mut item))
            .await
    }

    fn poll_take(
        &self,
        number: u64,
        item: &mut Option<Item>,
    ) -> Poll<std::result::Result<(), End>> {
        let mut state = self.state();
        if let Some(end) = &state.end {
            return Poll::Ready(Err(end.clone()));
        }
        if number < state.next {
            return Poll::Ready(Ok(()));
        }
        if number > state.next || state.ended {
            let detail = format!("frame {number} came where {} was due", state.next);
            return Poll::Ready(Err(End::violation(detail)));
        }
        let size = match item {
            Some(Item::Frame(frame)) => frame.len() + OVERHEAD,
            Some(Item::End) | None => 0,
        };
        if size > 0 && state.is_full(size, &self.limits) {
            state.cramped = true;
            return Poll::Pending;
        }
        state.next += 1;
        match item.take() {
            Some(Item::Frame(frame)) if !state.abandoned => {
                state.waiting += size;
                state.inbox.push_back(frame);
            }
            Some(Item::End) => {
                state.ended = true;
                state.asked = true;
                state.close();
            }
            _ => {}
        }
        let ended = state.ended;
        drop(state);
        if ended {
            self.wake_all();
        } else {
            self.readers.wake();
        }
        Poll::Ready(Ok(()))
    }

    /// Takes an item in if it is the next one and there is room.
    pub(crate) fn offered(&self, number: u64, item: Item) {
        if number == self.next() {
            let _ = self.poll_take(number, &mut Some(item));
        }
    }

    /// Waits until there is room for something more to come in, or nothing more will.
    pub(crate) async fn room(&self) {
        let room = || {
            let mut state = self.state();
            state.cramped = state.is_full(1, &self.limits);
            match state.end.is_some() || state.ended || !state.cramped {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        };
        self.carriers.until(room).await;
    }

    /// The other side has taken all before this number.
    ///
    /// # Errors
    /// When it was not even sent.
    pub(crate) fn acked(&self, next: u64) -> std::result::Result<(), End> {
        let mut state = self.state();
        let sent = state.base + state.outbox.len() as u64;
        if next > sent {
            let detail = format!("the peer says that it has {next} frames, of {sent}");
            return Err(End::violation(detail));
        }
        if next <= state.base {
            return Ok(());
        }
        while state.base < next {
            state.base += 1;
            if let Some(Item::Frame(frame)) = state.outbox.pop_front() {
                state.unacked -= frame.len() + OVERHEAD;
            }
        }
        let over = state.is_over();
        drop(state);
        self.writers.wake();
        if over {
            self.wake_all();
        }
        Ok(())
    }

    /// What goes out next from that number on, once there is something: at most so many bytes unless it
    /// is one item. `None` when nothing more goes out from there.
    pub(crate) fn poll_batch(&self, from: u64, most: usize) -> Poll<Option<Batch>> {
        let state = self.state();
        if state.end.is_some() {
            return Poll::Ready(None);
        }
        let first = from.max(state.base);
        let (mut body, mut after) = (BytesMut::new(), first);
        for item in state.outbox.iter().skip((first - state.base) as usize) {
            if after > first && body.len() + item.encoded_len() > most {
                break;
            }
            item.encode(&mut body);
            after += 1;
        }
        if after == first {
            return match state.closing {
                true => Poll::Ready(None),
                false => Poll::Pending,
            };
        }
        let body = body.freeze();
        Poll::Ready(Some(Batch { first, after, body }))
    }

    /// What a client posts next, waiting for it: all that was not acknowledged, or nothing but an
    /// acknowledgement. `None` when there is nothing more to say.
    pub(crate) async fn post(&self, most: usize) -> Option<Batch> {
        let next = || {
            let (first, asked, over) = {
                let state = self.state();
                let over = state.is_over() && !state.asked;
                (state.base, state.asked, over || state.end.is_some())
            };
            match self.poll_batch(first, most) {
                _ if over => Poll::Ready(None),
                Poll::Ready(Some(batch)) => Poll::Ready(Some(batch)),
                _ if asked => Poll::Ready(Some(Batch {
                    first,
                    after: first,
                    body: Bytes::new(),
                })),
                _ => Poll::Pending,
            }
        };
        self.carriers.until(next).await
    }

    /// Whether the other side has closed, or it was given up: nothing more comes in.
    pub(crate) fn has_ended(&self) -> bool {
        let state = self.state();
        state.ended || state.end.is_some()
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.state().closing
    }

    /// Waits until this side has closed, and nothing happened since for longer than it may take,
    /// whatever requests there are.
    pub(crate) async fn stalled(&self) {
        let mut last = self.closing().await;
        loop {
            runtime::sleep(self.limits.close_timeout).await;
            let now = self.closing().await;
            if std::mem::replace(&mut last, now) == now {
                return;
            }
        }
    }

    /// Waits until it is closing, and gives something that changes when it makes progress.
    pub(crate) async fn closing(&self) -> (u64, u64) {
        let closing = || {
            let state = self.state();
            match state.closing || state.end.is_some() {
                true => Poll::Ready((state.base, state.next)),
                false => Poll::Pending,
            }
        };
        self.carriers.until(closing).await
    }
}

/// For servers.
#[cfg(all(feature = "axum", not(target_arch = "wasm32")))]
impl Pipe {
    /// Looks again each time when there is something new to carry.
    pub(crate) async fn until<T>(&self, step: impl FnMut() -> Poll<T> + Unpin) -> T {
        self.carriers.until(step).await
    }

    /// Lets those who carry look again.
    pub(crate) fn stir(&self) {
        self.carriers.wake();
    }

    /// The number of the first item that was not acknowledged, and that after the last one.
    pub(crate) fn outgoing(&self) -> (u64, u64) {
        let state = self.state();
        (state.base, state.base + state.outbox.len() as u64)
    }

    /// Whether so much is on its way that the next sender may wait to be told how far it was taken.
    pub(crate) fn wants_to_know(&self) -> bool {
        let Limits {
            max_frame,
            high_water,
            ..
        } = self.limits;
        let unacked = self.state().unacked;
        unacked * 2 >= high_water || unacked + max_frame + OVERHEAD > high_water
    }

    /// Whether both sides have closed it, or it was given up.
    pub(crate) fn is_over(&self) -> bool {
        let state = self.state();
        state.is_over() || state.end.is_some()
    }
}

impl State {
    fn close(&mut self) {
        if !std::mem::replace(&mut self.closing, true) {
            self.outbox.push_back(Item::End);
        }
    }

    /// Both sides have closed it, and know it of each other.
    fn is_over(&self) -> bool {
        self.ended && self.closing && self.outbox.is_empty()
    }

    fn is_full(&self, more: usize, limits: &Limits) -> bool {
        self.waiting > 0 && self.waiting + more > limits.receive_queue
    }
}

#[cfg(all(test, feature = "axum", not(target_arch = "wasm32")))]
mod model;

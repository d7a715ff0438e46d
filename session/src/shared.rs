//! What a session's handles and its keeper share, and how input and output are driven.
//!
//! Whoever waits for a message reads from the connection itself, so that a message crosses no task
//! on its way. Nobody owns the connection while it waits: a future that waits and is not polled
//! holds up nobody. The keeper looks after the connection when nobody else has for a while; it
//! alone waits for slow writes, opens connections and watches the clock.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use choreo_core::runtime::Instant;
use choreo_core::{Result, Transport, Waiters};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::task::{AtomicWaker, noop_waker_ref};

use crate::core::{Advice, Core};
use crate::keeper::Opened;
use crate::status::{Link, PeerStatus, Status};
use crate::time::Time;
use crate::wire::{Abort, MAX_BATCH, MAX_HEADER};

/// The size of the buffer that small batches share.
const OUT: usize = 1024;
/// How long a connection may be without a reader before the keeper reads.
const UNATTENDED: Time = Time::from_millis(20);
/// The shortest time between two looks of the keeper.
const SHORT: Time = Time::from_millis(1);

pub(crate) struct Shared {
    begun: Instant,
    pub(crate) peers: Vec<String>,
    state: Mutex<State>,
    /// What is being written. Whoever holds the lock goes on with it.
    writing: Mutex<Option<Writing>>,
    /// Somebody had something to write while another held the lock.
    passed_by: AtomicBool,
    /// What is being read, and by whom it is polled.
    reading: Mutex<Option<Reading>>,
    /// Wakes the reader that came last.
    read_waker: Waker,
    /// Whether the keeper has to look: a [`Kick`], or 0.
    kick: AtomicU8,
    keeper: AtomicWaker,
    /// Wait for another status.
    pub(crate) watchers: Waiters,
}

pub(crate) struct State {
    pub(crate) core: Core,
    pub(crate) link: Link,
    pub(crate) transport: Option<Arc<dyn Transport>>,
    /// The number of the connection.
    pub(crate) connections: u64,
    /// Nothing more can be written on it. What has come is still to be read: the last of it may be
    /// why.
    pub(crate) unwritable: bool,
    /// The newest connection that others have opened for this session.
    pub(crate) offered: Option<Opened>,
    /// The time when something was last read or written, which is near enough for the rest.
    clock: Time,
    /// When the keeper looks next, as it has planned; it is kicked if something is due earlier.
    planned: Time,
    /// By when the keeper is to read, if nobody else does.
    read_by: Option<Time>,
    /// The keeper is to connect again within this time.
    pub(crate) move_within: Option<Duration>,
    /// Since when the handles are closed or gone.
    pub(crate) closing: Option<Time>,
    /// Where small batches are put together, one behind the other: once the transport has let go of
    /// them, without a new allocation.
    out: BytesMut,
    /// Those who wait for what comes.
    readers: Vec<Entry>,
    last_reader: u64,
}

/// What goes out in one message of the transport.
struct Batch {
    connection: u64,
    /// More is due.
    more: bool,
    bytes: Bytes,
    transport: Arc<dyn Transport>,
}

struct Writing {
    connection: u64,
    /// More is due.
    more: bool,
    send: BoxFuture<'static, Result<()>>,
}

struct Reading {
    connection: u64,
    /// What the transport receives, one after the other.
    received: BoxStream<'static, Result<Option<Bytes>>>,
}

/// What the connection wakes when something comes.
struct Bell(Weak<Shared>);

struct Entry {
    number: u64,
    wait: Wait,
    waker: Waker,
}

/// What somebody waits for.
#[derive(Clone, Copy)]
pub(crate) enum Wait {
    /// A message from that peer.
    Message(usize),
    /// Room for a message to that peer.
    Room(usize),
}

/// Why the keeper is to look.
#[derive(Clone, Copy)]
pub(crate) enum Kick {
    /// Something is due.
    Look = 1,
    /// Nor may it go on pausing before it tries again to connect.
    Hurry = 2,
}

/// What is to be done about what is due to go out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// Out with it.
    Flush,
    /// The keeper shall see to it: there may be company.
    Kick,
    /// Nothing.
    Nothing,
}

/// What somebody does to a session, if it can be done now, and what is to come of it.
pub(crate) type Step<'a> = dyn FnMut(&mut State, Time) -> Option<After> + Send + 'a;

/// One of them, as long as it waits.
struct Reader<'a> {
    shared: &'a Shared,
    wait: Wait,
    /// None until it has to wait.
    number: Option<u64>,
}

impl Shared {
    pub(crate) fn new(core: Core, peers: Vec<String>) -> Arc<Self> {
        Arc::new_cyclic(|shared| Self {
            begun: Instant::now(),
            state: Mutex::new(State {
                core,
                link: Link::Connecting,
                transport: None,
                connections: 0,
                unwritable: false,
                offered: None,
                clock: Time::ZERO,
                planned: Time::ZERO,
                read_by: None,
                move_within: None,
                closing: None,
                out: BytesMut::new(),
                readers: Vec::new(),
                last_reader: 0,
            }),
            writing: Mutex::new(None),
            passed_by: AtomicBool::new(false),
            reading: Mutex::new(None),
            read_waker: Waker::from(Arc::new(Bell(Weak::clone(shared)))),
            kick: AtomicU8::new(0),
            keeper: AtomicWaker::new(),
            watchers: Waiters::default(),
            peers,
        })
    }

    /// Time since the session began.
    pub(crate) fn now(&self) -> Time {
        self.begun.elapsed().into()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the keeper is kicked from now on, at least like that; for the keeper.
    pub(crate) fn kicked(&self, least: Kick) -> impl Future<Output = ()> + '_ {
        self.kick.store(0, Ordering::SeqCst);
        poll_fn(move |context| {
            self.keeper.register(context.waker());
            match self.kick.load(Ordering::SeqCst) >= least as u8 {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
    }

    /// Lets the keeper look.
    pub(crate) fn kick(&self, kick: Kick) {
        self.kick.fetch_max(kick as u8, Ordering::SeqCst);
        self.keeper.wake();
    }

    /// Lets everybody look: the status is another.
    pub(crate) fn change(&self) {
        self.watchers.wake();
        self.state().wake_readers(None, |_, _| true);
        self.kick(Kick::Hurry);
    }

    pub(crate) fn status(&self) -> Status {
        let now = self.now();
        let state = self.state();
        let peers = self.peers.iter().enumerate().map(|(index, role)| {
            let look = state.core.look(index);
            PeerStatus {
                role: role.clone(),
                unacked: look.unacked,
                waiting: look.waiting,
                met: look.met,
                closed: look.closed,
            }
        });
        Status {
            peers: peers.collect(),
            link: state.link.clone(),
            connections: state.connections,
            silent_for: now.saturating_sub(state.core.heard()).into(),
        }
    }

    /// Takes what came on the connection of that number, and lets those know whom it concerns, but
    /// for the reader of that number, who looks anyway.
    fn received(&self, connection: u64, bytes: Bytes, by: Option<u64>) {
        let now = self.now();
        let mut state = self.state();
        if state.connections != connection {
            return;
        }
        if let Advice::Move(within) = state.core.handle(bytes, now) {
            state.move_within = Some(within);
            self.kick(Kick::Look);
        }
        if state.closing.is_some() || state.core.lost().is_some() {
            self.kick(Kick::Look);
        }
        state.clock = now;
        // More may be there already, of which nobody is told.
        state.read_by = Some(now + UNATTENDED);
        self.plan(&mut state, now);
        let flush = state.core.has_output(now);
        state.wake_readers(by, |core, wait| match wait {
            Wait::Message(peer) => core.is_readable(peer),
            Wait::Room(peer) => core.is_writable(peer),
        });
        drop(state);
        if flush {
            self.flush();
        }
    }

    /// There is a new connection.
    pub(crate) fn install(&self, opened: Opened) {
        // Nobody reads on before what came already is taken.
        let reading = self.reading.lock();
        let now = self.now();
        let connection = {
            let mut state = self.state();
            state.connections += 1;
            state.unwritable = false;
            state.transport = Some(opened.transport);
            state.core.link_up(opened.limits, now);
            state.link = Link::Connected;
            state.clock = now;
            state.planned = now;
            state.read_by = Some(now);
            state.connections
        };
        if !opened.rest.is_empty() {
            self.received(connection, opened.rest, None);
        }
        drop(reading);
        self.change();
    }

    /// The connection of that number broke.
    pub(crate) fn broken(&self, connection: u64) {
        let mut state = self.state();
        if state.connections == connection && state.transport.take().is_some() {
            state.core.link_down();
            if !matches!(state.link, Link::Closed | Link::Lost(_)) {
                state.link = Link::Resuming;
            }
            drop(state);
            self.change();
        }
    }

    /// The connection of that number takes nothing more. The keeper reads what has come, and gives
    /// it up.
    fn not_written(&self, connection: u64) {
        let mut state = self.state();
        if state.connections == connection {
            state.unwritable = true;
            drop(state);
            self.kick(Kick::Look);
        }
    }

    /// Takes all that has come on the connection of that number, and gives it up.
    pub(crate) fn give_up(&self, connection: u64) {
        while self.read(None) {}
        self.broken(connection);
    }

    /// The session is over.
    pub(crate) fn lose(&self, abort: Abort) {
        self.state().core.lose(abort);
        self.change();
    }

    /// Writes what is due as far as the connection takes it at once; the keeper does the rest.
    pub(crate) fn flush(&self) {
        let mut context = Context::from_waker(noop_waker_ref());
        if self.poll_flush(&mut context).is_pending() {
            self.kick(Kick::Look);
        }
    }

    /// Writes what is due. `Pending` while the connection takes no more; another task's write
    /// counts as done, as that task goes on with what is due.
    pub(crate) fn poll_flush(&self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let Some(mut writing) = self.lock_writing() else {
                return Poll::Ready(());
            };
            let mut more = true;
            while more {
                let connection;
                let sent = match writing.as_mut() {
                    Some(current) => {
                        (connection, more) = (current.connection, current.more);
                        current.send.as_mut().poll(context)
                    }
                    None => {
                        let Some(batch) = self.next_batch() else {
                            break;
                        };
                        (connection, more) = (batch.connection, batch.more);
                        // Only one that has to wait needs a future.
                        match batch.transport.try_send(batch.bytes).transpose() {
                            None => Poll::Ready(Ok(())),
                            Some(Err(error)) => Poll::Ready(Err(error)),
                            Some(Ok(bytes)) => {
                                let transport = batch.transport;
                                let send = async move { transport.send(bytes).await };
                                *writing = Some(Writing {
                                    connection,
                                    more,
                                    send: Box::pin(send),
                                });
                                more = true;
                                continue;
                            }
                        }
                    }
                };
                if sent.is_pending() && self.state().is_on(connection) {
                    return Poll::Pending;
                }
                *writing = None;
                if let Poll::Ready(Err(_)) = sent {
                    self.not_written(connection);
                }
            }
            drop(writing);
            if !self.passed_by.swap(false, Ordering::SeqCst) {
                return Poll::Ready(());
            }
        }
    }

    /// The lock for writing; `None` if another holds it, who then looks again.
    fn lock_writing(&self) -> Option<MutexGuard<'_, Option<Writing>>> {
        for _ in 0..2 {
            match self.writing.try_lock() {
                Ok(writing) => return Some(writing),
                Err(TryLockError::Poisoned(error)) => return Some(error.into_inner()),
                // It may have been let go before this is seen: hence twice.
                Err(TryLockError::WouldBlock) => self.passed_by.store(true, Ordering::SeqCst),
            }
        }
        None
    }

    fn next_batch(&self) -> Option<Batch> {
        let now = self.now();
        let mut locked = self.state();
        let state = &mut *locked;
        let transport = state.transport.clone().filter(|_| !state.unwritable)?;
        if state.out.capacity() < MAX_HEADER {
            state.out.reserve(OUT);
        }
        if !state.core.transmit(now, MAX_BATCH, &mut state.out) {
            return None;
        }
        let bytes = match state.out.len() {
            ..OUT => state.out.split().freeze(),
            // No session keeps much that it needs at times only.
            _ => std::mem::take(&mut state.out).freeze(),
        };
        state.clock = now;
        self.plan(state, now);
        Some(Batch {
            connection: state.connections,
            more: state.core.has_output(now),
            bytes,
            transport,
        })
    }

    /// Drives the connection until `step` was done, for which it waits.
    pub(crate) async fn drive(&self, wait: Wait, step: &mut Step<'_>) {
        let mut reader = Reader {
            shared: self,
            wait,
            number: None,
        };
        let driven = poll_fn(|context| {
            loop {
                if self.done_or_waits(step, Some((&mut reader, context.waker()))) {
                    return Poll::Ready(());
                }
                if !self.read(reader.number) {
                    return Poll::Pending;
                }
            }
        });
        driven.await;
    }

    /// Takes what has come, as the reader of that number or as the keeper; false if nothing has.
    /// The readers are woken when something does.
    fn read(&self, by: Option<u64>) -> bool {
        let mut reading = match self.reading.try_lock() {
            Ok(reading) => reading,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            // Somebody else reads, and wakes those whom it concerns.
            Err(TryLockError::WouldBlock) => return false,
        };
        let mut context = Context::from_waker(&self.read_waker);
        let mut state = self.state();
        state.read_by = None;
        let connection = state.connections;
        let received = match &mut *reading {
            Some(current) if state.is_on(current.connection) => {
                drop(state);
                current.poll(&mut context)
            }
            _ => {
                let transport = state.transport.clone();
                drop(state);
                *reading = transport.map(|transport| Reading::new(connection, transport));
                match &mut *reading {
                    Some(new) => new.poll(&mut context),
                    None => return false,
                }
            }
        };
        let Poll::Ready(received) = received else {
            return false;
        };
        // Before anybody reads on: what comes later may depend on it.
        match received {
            Ok(Some(bytes)) => self.received(connection, bytes, by),
            Ok(None) | Err(_) => self.broken(connection),
        }
        drop(reading);
        true
    }

    /// Reads as the keeper, when nobody has for too long, or messages wait and nobody is there.
    pub(crate) fn read_if_due(&self) {
        let now = self.now();
        let due = {
            let state = self.state();
            let late = state.read_by.is_some_and(|by| by <= now);
            late || state.core.has_unsent() && state.readers.is_empty()
        };
        while due && self.read(None) {}
    }

    /// Nobody waits any more: the keeper reads if messages wait for it to go out.
    fn is_left_alone(&self, state: &mut State) {
        if state.core.has_unsent() {
            state.read_by = Some(state.clock);
            state.planned = state.clock;
            self.kick(Kick::Look);
        }
    }

    /// Something has come. If nobody takes it for long, the keeper shall; at once, if messages
    /// wait for it to go out and nobody is there. Gives the reader to wake.
    fn has_come(&self) -> Option<Waker> {
        let mut by = self.now();
        let mut state = self.state();
        let last = state.last_reader();
        if !(last.is_none() && state.core.has_unsent()) {
            by += UNATTENDED;
        }
        let by = state.read_by.map_or(by, |set| set.min(by));
        state.read_by = Some(by);
        if by < state.planned {
            state.planned = by;
            self.kick(Kick::Look);
        }
        last
    }

    /// Does it, if it can be done without waiting.
    pub(crate) fn try_done(&self, step: &mut Step<'_>) -> bool {
        self.done_or_waits(step, None)
    }

    /// Does it, if it can be done without waiting; if not, the reader waits.
    fn done_or_waits(
        &self,
        step: &mut Step<'_>,
        reader: Option<(&mut Reader<'_>, &Waker)>,
    ) -> bool {
        let mut state = self.state();
        let clock = state.clock;
        let after = step(&mut state, clock);
        // To be dropped when the lock is not held.
        let _renewed = match (after, reader) {
            (None, Some((reader, waker))) => reader.waits(&mut state, waker),
            _ => None,
        };
        let due = after != Some(After::Nothing) && state.core.has_output(clock);
        drop(state);
        match after {
            Some(After::Kick) if due => self.kick(Kick::Look),
            // Whoever waits has the time to write.
            Some(After::Flush) | None if due => self.flush(),
            _ => {}
        }
        after.is_some()
    }

    /// Kicks the keeper if something is due before it looks.
    fn plan(&self, state: &mut State, now: Time) {
        let due = state.due(now);
        if due < state.planned {
            state.planned = due;
            self.kick(Kick::Look);
        }
    }

    /// When the keeper has to look next, from now.
    pub(crate) fn until_planned(&self, at_most: Time) -> Time {
        let now = self.now();
        let mut state = self.state();
        state.planned = state.due(now).min(now + at_most);
        state.planned.saturating_sub(now).max(SHORT)
    }
}

impl State {
    /// When something is to be done; far away if nothing is.
    fn due(&self, now: Time) -> Time {
        let deadline = self.core.deadline(now).unwrap_or(Time::MAX);
        deadline.min(self.read_by.unwrap_or(Time::MAX))
    }

    /// Whether the connection of that number is there.
    pub(crate) fn is_on(&self, connection: u64) -> bool {
        self.transport.is_some() && self.connections == connection
    }

    fn last_reader(&self) -> Option<Waker> {
        self.readers.last().map(|entry| entry.waker.clone())
    }

    /// Wakes those who wait for it, but for one.
    fn wake_readers(&self, but: Option<u64>, concerned: impl Fn(&Core, Wait) -> bool) {
        for entry in &self.readers {
            if but != Some(entry.number) && concerned(&self.core, entry.wait) {
                entry.waker.wake_by_ref();
            }
        }
    }
}

impl Reading {
    fn new(connection: u64, transport: Arc<dyn Transport>) -> Self {
        let received = stream::unfold(transport, async |transport| {
            let received = transport.recv().await;
            Some((received, transport))
        });
        Self {
            connection,
            received: Box::pin(received),
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        let received = self.received.as_mut().poll_next(context);
        received.map(|received| received.unwrap_or(Ok(None)))
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let last = self.0.upgrade().and_then(|shared| shared.has_come());
        if let Some(waker) = last {
            waker.wake();
        }
    }
}

impl Reader<'_> {
    /// Enters it, or its new waker; the old one is given back, to be dropped once the lock is not
    /// held.
    fn waits(&mut self, state: &mut State, waker: &Waker) -> Option<Waker> {
        if let Some(number) = self.number {
            let mut entries = state.readers.iter_mut();
            let entry = entries.find(|entry| entry.number == number)?;
            let renew = !entry.waker.will_wake(waker);
            return renew.then(|| std::mem::replace(&mut entry.waker, waker.clone()));
        }
        state.last_reader += 1;
        self.number = Some(state.last_reader);
        state.readers.push(Entry {
            number: state.last_reader,
            wait: self.wait,
            waker: waker.clone(),
        });
        None
    }
}

/// Whoever waits on may have been passed over.
impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut state = self.shared.state();
        let place = state
            .readers
            .iter()
            .position(|entry| entry.number == number);
        let left = place.map(|place| state.readers.remove(place));
        let last = state.last_reader();
        if last.is_none() {
            self.shared.is_left_alone(&mut state);
        }
        drop(state);
        drop(left);
        if let Some(waker) = last {
            waker.wake();
        }
    }
}

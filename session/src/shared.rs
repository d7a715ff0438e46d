//! What a session's handles and its keeper share, and how input and output are driven.
//!
//! Whoever waits for a message reads from the connection itself, so that a message crosses no task
//! on its way. Nobody owns the connection while it waits: a future that waits and is not polled
//! holds up nobody. The keeper looks after the connection when nobody else has for a while; it
//! alone waits for slow writes, opens connections and watches the clock.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use choreo_core::runtime::Instant;
use choreo_core::{Error, Result, Transport};
use event_listener::{Event, EventListener};
use futures::future::BoxFuture;
use futures::task::noop_waker_ref;

use crate::core::{Advice, Core};
use crate::keeper::Opened;
use crate::pair::Time;
use crate::status::{Link, PeerStatus, Status};
use crate::wire::Abort;

/// The most bytes in one message of the transport, unless one frame has more.
const MAX_BATCH: usize = 64 * 1024;
/// How long a connection may be without a reader before the keeper reads.
const UNATTENDED: Duration = Duration::from_millis(20);
/// The shortest time between two looks of the keeper.
const SHORT: Duration = Duration::from_millis(1);

pub(crate) struct Shared {
    begun: Instant,
    pub(crate) peers: Vec<String>,
    state: Mutex<State>,
    /// What is being written. Whoever holds the lock goes on with it.
    writing: Mutex<Option<Writing>>,
    /// What is being read, and by whom it is polled.
    reading: Mutex<Option<Reading>>,
    readers: Arc<Readers>,
    /// Per peer: something to receive, room to send.
    readable: Vec<Event>,
    writable: Vec<Event>,
    /// The keeper has to look.
    kick: Event,
    /// The status is another.
    changed: Event,
}

pub(crate) struct State {
    pub(crate) core: Core,
    pub(crate) link: Link,
    pub(crate) transport: Option<Arc<dyn Transport>>,
    /// The number of the connection.
    pub(crate) connections: u64,
    /// Connections that others have opened for this session; the newest counts.
    pub(crate) offered: VecDeque<Opened>,
    /// When the keeper looks next, as it has planned; it is kicked if something is due earlier.
    planned: Time,
    /// By when the keeper is to read, if nobody else does.
    read_by: Option<Time>,
    /// The keeper is to connect again within this time.
    pub(crate) move_within: Option<Duration>,
    /// Since when the handles are closed or gone.
    pub(crate) closing: Option<Time>,
}

struct Writing {
    connection: u64,
    send: BoxFuture<'static, Result<()>>,
}

struct Reading {
    connection: u64,
    recv: BoxFuture<'static, Result<Option<Bytes>>>,
}

/// Those who wait for what comes. The connection wakes the one that came last.
struct Readers {
    shared: Weak<Shared>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    wakers: Vec<(u64, Waker)>,
}

/// One of them, as long as it waits.
struct Reader<'a> {
    readers: &'a Readers,
    number: u64,
}

impl Shared {
    pub(crate) fn new(core: Core, peers: Vec<String>) -> Arc<Self> {
        let count = peers.len();
        let events = || (0..count).map(|_| Event::new()).collect();
        Arc::new_cyclic(|shared| Self {
            begun: Instant::now(),
            state: Mutex::new(State {
                core,
                link: Link::Connecting,
                transport: None,
                connections: 0,
                offered: VecDeque::new(),
                planned: Duration::ZERO,
                read_by: None,
                move_within: None,
                closing: None,
            }),
            writing: Mutex::new(None),
            reading: Mutex::new(None),
            readers: Arc::new(Readers {
                shared: Weak::clone(shared),
                waiting: Mutex::default(),
            }),
            readable: events(),
            writable: events(),
            kick: Event::new(),
            changed: Event::new(),
            peers,
        })
    }

    /// Time since the session began.
    pub(crate) fn now(&self) -> Time {
        self.begun.elapsed()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn readable(&self, peer: usize) -> EventListener {
        self.readable[peer].listen()
    }

    pub(crate) fn writable(&self, peer: usize) -> EventListener {
        self.writable[peer].listen()
    }

    pub(crate) fn kicked(&self) -> EventListener {
        self.kick.listen()
    }

    pub(crate) fn changed(&self) -> EventListener {
        self.changed.listen()
    }

    /// Lets the keeper look.
    pub(crate) fn kick(&self) {
        self.kick.notify(1);
    }

    /// Lets everybody look: the status is another.
    pub(crate) fn change(&self) {
        self.changed.notify(usize::MAX);
        for event in self.readable.iter().chain(&self.writable) {
            event.notify(usize::MAX);
        }
        self.kick();
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
            silent_for: now.saturating_sub(state.core.heard()),
        }
    }

    /// Takes what came on the connection of that number, and lets those know whom it concerns.
    pub(crate) fn received(&self, connection: u64, bytes: Bytes) {
        let now = self.now();
        let mut state = self.state();
        if state.connections != connection {
            return;
        }
        match state.core.handle(bytes, now) {
            Advice::None => {}
            Advice::Move(within) => {
                state.move_within = Some(within);
                self.kick();
            }
        }
        for peer in 0..self.peers.len() {
            if state.core.is_readable(peer) {
                self.readable[peer].notify(usize::MAX);
            }
            if state.core.is_writable(peer) {
                self.writable[peer].notify(usize::MAX);
            }
        }
        if state.closing.is_some() || state.core.lost().is_some() {
            self.kick();
        }
    }

    /// There is a new connection.
    pub(crate) fn install(&self, opened: Opened) {
        let now = self.now();
        let connection = {
            let mut state = self.state();
            state.connections += 1;
            state.transport = Some(opened.transport);
            state.core.link_up(opened.limits, now);
            state.link = Link::Connected;
            state.planned = now;
            state.read_by = Some(now);
            state.connections
        };
        if !opened.rest.is_empty() {
            self.received(connection, opened.rest);
        }
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

    /// The session is over.
    pub(crate) fn lose(&self, abort: Abort) {
        self.state().core.lose(abort);
        self.change();
    }

    /// Writes what is due as far as the connection takes it at once; the keeper does the rest.
    pub(crate) fn flush(&self) {
        let mut context = Context::from_waker(noop_waker_ref());
        if self.poll_flush(&mut context).is_pending() {
            self.kick();
        }
    }

    /// Writes what is due. `Pending` while the connection takes no more; another task's write
    /// counts as done, as that task goes on with what is due.
    pub(crate) fn poll_flush(&self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut writing = match self.writing.try_lock() {
                Ok(writing) => writing,
                Err(TryLockError::Poisoned(error)) => error.into_inner(),
                Err(TryLockError::WouldBlock) => return Poll::Ready(()),
            };
            loop {
                if writing.is_none() {
                    *writing = self.next_batch();
                }
                let Some(current) = writing.as_mut() else {
                    break;
                };
                let connection = current.connection;
                match current.send.as_mut().poll(context) {
                    Poll::Pending if self.state().is_on(connection) => return Poll::Pending,
                    // On a connection that is no more.
                    Poll::Pending | Poll::Ready(Ok(())) => *writing = None,
                    Poll::Ready(Err(_)) => {
                        *writing = None;
                        self.broken(connection);
                    }
                }
            }
            drop(writing);
            // Something may have come up while the lock was held and others passed by.
            if !self.has_output() {
                return Poll::Ready(());
            }
        }
    }

    fn has_output(&self) -> bool {
        let state = self.state();
        state.transport.is_some() && state.core.has_output(self.now())
    }

    fn next_batch(&self) -> Option<Writing> {
        let mut state = self.state();
        let transport = state.transport.clone()?;
        let mut out = BytesMut::new();
        if !state.core.transmit(self.now(), MAX_BATCH, &mut out) {
            return None;
        }
        let connection = state.connections;
        Some(Writing {
            connection,
            send: Box::pin(async move { transport.send(out.freeze()).await }),
        })
    }

    /// Drives the connection until `done`, which `listen` announces.
    pub(crate) async fn drive<T>(
        &self,
        listen: impl Fn() -> EventListener,
        mut done: impl FnMut(&mut State, Time) -> Option<T>,
    ) -> T {
        if let Some(result) = self.try_done(&mut done) {
            return result;
        }
        let mut event = listen();
        let reader = Reader::new(&self.readers);
        let driven = poll_fn(|context| {
            loop {
                if let Some(result) = self.try_done(&mut done) {
                    return Poll::Ready(result);
                }
                if Pin::new(&mut event).poll(context).is_ready() {
                    event = listen();
                    continue;
                }
                reader.waits(context.waker());
                self.flush();
                if !self.read() {
                    return Poll::Pending;
                }
            }
        });
        driven.await
    }

    /// Takes what has come; false if nothing has. The readers are woken when something does.
    pub(crate) fn read(&self) -> bool {
        let mut reading = match self.reading.try_lock() {
            Ok(reading) => reading,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            // Somebody else reads, and wakes those whom it concerns.
            Err(TryLockError::WouldBlock) => return false,
        };
        {
            let mut state = self.state();
            state.read_by = None;
            if reading
                .as_ref()
                .is_none_or(|reading| !state.is_on(reading.connection))
            {
                *reading = state.transport.clone().map(|transport| Reading {
                    connection: state.connections,
                    recv: Box::pin(async move { transport.recv().await }),
                });
            }
        }
        let Some(current) = reading.as_mut() else {
            return false;
        };
        let waker = Waker::from(Arc::clone(&self.readers));
        let received = current.recv.as_mut().poll(&mut Context::from_waker(&waker));
        let Poll::Ready(received) = received else {
            return false;
        };
        let connection = current.connection;
        *reading = None;
        drop(reading);
        // More may be there already, of which nobody is told.
        self.has_come();
        self.take(connection, received);
        true
    }

    /// Reads as the keeper, when nobody has for too long, or messages wait and nobody is there.
    pub(crate) fn read_if_due(&self) {
        let now = self.now();
        let due = {
            let state = self.state();
            let late = state.read_by.is_some_and(|by| by <= now);
            late || state.core.has_unsent() && self.readers.is_empty()
        };
        while due && self.read() {}
    }

    /// Something has come. If nobody takes it for long, the keeper shall; at once, if messages
    /// wait for it to go out and nobody is there.
    fn has_come(&self) {
        let nobody = self.readers.is_empty();
        let mut by = self.now();
        let mut state = self.state();
        if !(nobody && state.core.has_unsent()) {
            by += UNATTENDED;
        }
        let by = state.read_by.map_or(by, |set| set.min(by));
        state.read_by = Some(by);
        if by < state.planned {
            state.planned = by;
            self.kick();
        }
    }

    /// Takes what a read gave.
    pub(crate) fn take(&self, connection: u64, received: Result<Option<Bytes>, Error>) {
        match received {
            Ok(Some(bytes)) => self.received(connection, bytes),
            Ok(None) | Err(_) => self.broken(connection),
        }
        self.flush();
    }

    fn try_done<T>(&self, done: &mut impl FnMut(&mut State, Time) -> Option<T>) -> Option<T> {
        let mut state = self.state();
        let now = self.now();
        let result = done(&mut state, now);
        let flush = result.is_some() && state.core.has_output(now);
        self.plan(&mut state, now);
        drop(state);
        if flush {
            self.flush();
        }
        result
    }

    /// Kicks the keeper if something is due before it looks.
    pub(crate) fn plan(&self, state: &mut State, now: Time) {
        if let Some(deadline) = state.core.deadline(now)
            && deadline < state.planned
        {
            state.planned = deadline.max(now);
            self.kick();
        }
    }

    /// When the keeper has to look next, from now.
    pub(crate) fn until_planned(&self, at_most: Duration) -> Duration {
        let now = self.now();
        let mut state = self.state();
        let deadline = state.core.deadline(now).unwrap_or(Duration::MAX);
        let read_by = state.read_by.unwrap_or(Duration::MAX);
        state.planned = deadline.min(read_by).min(now + at_most);
        state.planned.saturating_sub(now).max(SHORT)
    }
}

impl State {
    /// Whether the connection of that number is there.
    fn is_on(&self, connection: u64) -> bool {
        self.transport.is_some() && self.connections == connection
    }
}

impl Readers {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_empty(&self) -> bool {
        self.waiting().wakers.is_empty()
    }

    fn wake_last(&self) {
        let last = self.waiting().wakers.last().map(|(_, waker)| waker.clone());
        if let Some(waker) = last {
            waker.wake();
        }
    }
}

impl Wake for Readers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(shared) = self.shared.upgrade() {
            shared.has_come();
        }
        self.wake_last();
    }
}

impl<'a> Reader<'a> {
    fn new(readers: &'a Readers) -> Self {
        let mut waiting = readers.waiting();
        waiting.last += 1;
        let number = waiting.last;
        drop(waiting);
        Self { readers, number }
    }

    fn waits(&self, waker: &Waker) {
        let mut waiting = self.readers.waiting();
        let known = waiting
            .wakers
            .iter_mut()
            .find(|(number, _)| *number == self.number);
        match known {
            Some((_, known)) => known.clone_from(waker),
            None => waiting.wakers.push((self.number, waker.clone())),
        }
    }
}

/// Whoever waits on may have been passed over.
impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut waiting = self.readers.waiting();
        waiting.wakers.retain(|(number, _)| *number != self.number);
        let nobody = waiting.wakers.is_empty();
        drop(waiting);
        if !nobody {
            self.readers.wake_last();
        } else if let Some(shared) = self.readers.shared.upgrade() {
            shared.has_come();
        }
    }
}

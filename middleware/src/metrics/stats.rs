use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use choreo_core::runtime::Instant;
use choreo_core::{Incoming, Operation, Result};

use super::snapshot::{MetricsSnapshot, OperationMetrics, PeerMetrics, Waits};
use super::watch::Waited;
use crate::sorted::Sorted;

/// The counters of all peers, by their names.
#[derive(Default)]
pub(super) struct Registry {
    config: Config,
    peers: Mutex<Sorted<String, Arc<Peer>>>,
}

#[derive(Clone)]
pub(super) struct Config {
    pub(super) time_every: u32,
    #[cfg(feature = "metrics-facade")]
    pub(super) role: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            time_every: 64,
            #[cfg(feature = "metrics-facade")]
            role: None,
        }
    }
}

impl Registry {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            peers: Mutex::default(),
        }
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn peer(&self, name: &str) -> Arc<Peer> {
        let mut peers = lock(&self.peers);
        let make = || (name.to_owned(), Arc::new(Peer::new(&self.config, name)));
        peers.entry(name, make).clone()
    }

    pub(super) fn snapshot(&self) -> MetricsSnapshot {
        let peers = lock(&self.peers);
        let peers = peers.iter().map(|(name, peer)| PeerMetrics {
            peer: name.clone(),
            send: peer.send.read(),
            recv: peer.recv.read(),
            choose: peer.choose.read(),
            offer: peer.offer.read(),
        });
        MetricsSnapshot {
            peers: peers.collect(),
        }
    }
}

/// The counters of one peer.
pub(super) struct Peer {
    send: Stats,
    recv: Stats,
    choose: Stats,
    offer: Stats,
}

impl Peer {
    fn new(config: &Config, name: &str) -> Self {
        let of = |operation| Stats::new(config, name, operation);
        Self {
            send: of(Operation::Send),
            recv: of(Operation::Recv),
            choose: of(Operation::Choose),
            offer: of(Operation::Offer),
        }
    }

    pub(super) fn of(&self, operation: Operation) -> &Stats {
        match operation {
            Operation::Send => &self.send,
            Operation::Recv => &self.recv,
            Operation::Choose => &self.choose,
            Operation::Offer => &self.offer,
        }
    }

    /// Counts a message or a label; which it would have been, is not known of one that failed.
    #[inline]
    pub(super) fn count_received(&self, received: &Result<Incoming>, waited: &Waited) {
        match received {
            Ok(Incoming::Message(message)) => self.recv.count(waited, message.bytes().len()),
            Ok(Incoming::Label(label)) => self.offer.count(waited, label.as_str().len()),
            Err(_) => self.recv.count_error(),
        }
    }
}

/// The counters of one kind of operation with one peer.
pub(super) struct Stats {
    /// Operations, those of them that waited, and bytes, side by side in one number, so that an
    /// operation costs one atomic addition. Goes to `total` before any of the three overflows.
    recent: AtomicU64,
    total: Mutex<Total>,
    errors: AtomicU64,
    /// The step less one: a power of two less one.
    time_every: Option<u64>,
    timed: OnceLock<Box<Timed>>,
    #[cfg(feature = "metrics-facade")]
    facade: super::facade::Facade,
}

#[derive(Clone, Copy, Default)]
struct Total {
    count: u64,
    waited: u64,
    bytes: u64,
}

pub(super) const ONE: u64 = 1 << 48;
pub(super) const WAITED: u64 = 1 << 32;
const BYTES: u64 = WAITED - 1;
/// The highest bits of the operations and of the bytes: half of the room is used up.
const FULL: u64 = 1 << 63 | 1 << 31;
/// A message of this size is counted in `total` right away.
const LARGE: usize = 1 << 20;

impl Total {
    fn add(&mut self, recent: u64) {
        self.count += recent / ONE;
        self.waited += recent / WAITED % (ONE / WAITED);
        self.bytes += recent & BYTES;
    }
}

impl Stats {
    #[cfg_attr(not(feature = "metrics-facade"), expect(unused_variables))]
    fn new(config: &Config, peer: &str, operation: Operation) -> Self {
        Self {
            recent: AtomicU64::new(0),
            total: Mutex::default(),
            errors: AtomicU64::new(0),
            time_every: (config.time_every > 0)
                .then(|| u64::from(config.time_every).next_power_of_two() - 1),
            timed: OnceLock::new(),
            #[cfg(feature = "metrics-facade")]
            facade: super::facade::Facade::new(config.role.as_deref(), peer, operation),
        }
    }

    #[inline]
    pub(super) fn count_sent(&self, sent: &Result<()>, waited: &Waited, bytes: usize) {
        match sent {
            Ok(()) => self.count(waited, bytes),
            Err(_) => self.count_error(),
        }
    }

    /// Counts an operation that went well.
    #[inline]
    pub(super) fn count(&self, waited: &Waited, bytes: usize) {
        if bytes < LARGE {
            let before = self.recent.fetch_add(waited.one + bytes as u64, Relaxed);
            if before & FULL != 0 {
                self.make_room();
            }
        } else {
            self.count_large(waited.one, bytes);
        }
        #[cfg(feature = "metrics-facade")]
        self.facade.count(bytes);
        if let Some(since) = waited.since {
            self.time(since);
        }
    }

    #[cold]
    fn make_room(&self) {
        let mut total = lock(&self.total);
        total.add(self.recent.swap(0, Relaxed));
    }

    #[cold]
    fn count_large(&self, one: u64, bytes: usize) {
        let mut total = lock(&self.total);
        total.add(one);
        total.bytes += bytes as u64;
    }

    pub(super) fn count_error(&self) {
        self.errors.fetch_add(1, Relaxed);
        #[cfg(feature = "metrics-facade")]
        self.facade.count_error();
    }

    /// Whether the wait that begins is one to time.
    pub(super) fn times_next(&self) -> bool {
        /// All of the first so many are.
        const FIRST: u64 = 16;
        let waited = self.recent.load(Relaxed) / WAITED % (ONE / WAITED);
        self.time_every
            .is_some_and(|mask| waited < FIRST || waited & mask == 0)
    }

    #[cold]
    fn time(&self, since: Instant) {
        let time = since.elapsed();
        let timed = self.timed.get_or_init(Box::default);
        timed.nanos.fetch_add(Waits::nanos(time), Relaxed);
        timed.buckets[Waits::bucket(time)].fetch_add(1, Relaxed);
        #[cfg(feature = "metrics-facade")]
        self.facade.time(time);
    }

    fn read(&self) -> OperationMetrics {
        let Total {
            count,
            waited,
            bytes,
        } = {
            let total = lock(&self.total);
            let mut sum = *total;
            sum.add(self.recent.load(Relaxed));
            sum
        };
        OperationMetrics {
            count,
            bytes,
            errors: self.errors.load(Relaxed),
            waited,
            waits: self
                .timed
                .get()
                .map_or_else(Waits::default, |timed| timed.read()),
        }
    }
}

/// The waits that were timed. Few operations have any, so they are kept apart.
struct Timed {
    nanos: AtomicU64,
    buckets: [AtomicU64; Waits::BUCKETS],
}

impl Default for Timed {
    fn default() -> Self {
        Self {
            nanos: AtomicU64::new(0),
            buckets: [const { AtomicU64::new(0) }; Waits::BUCKETS],
        }
    }
}

impl Timed {
    fn read(&self) -> Waits {
        let buckets = std::array::from_fn(|bucket| self.buckets[bucket].load(Relaxed));
        Waits {
            total: Duration::from_nanos(self.nanos.load(Relaxed)),
            buckets,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

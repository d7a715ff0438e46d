//! Counts what goes through: `Metrics` and its layer; the counters are in `stats`, what they
//! are read into in `snapshot`.

#[cfg(feature = "metrics-facade")]
mod facade;
mod snapshot;
mod stats;
mod watch;

use std::fmt;
use std::sync::Arc;

use choreo_core::{
    ChoreoHandler, Incoming, Layer, Operation, Outgoing, PeerMap, Result, RoleId, forward,
    handler_fn,
};

use crate::in_box::in_box;
use crate::size::Size;
use crate::watched::Watched;
pub use snapshot::{MetricsSnapshot, OperationMetrics, PeerMetrics, Waits};
use stats::{Config, Peer, Registry};
use watch::{Waited, Watch};

/// Counts operations, bytes, errors and waits, for each peer and each kind of operation.
///
/// Read them from the handler, from its [`layer`](MetricsLayer) or from a [`MetricsHandle`], all
/// of which give the same figures. Handlers wrapped by one layer, or by clones of it, count
/// together; those that shall not get a layer each. With the feature `metrics-facade` counts also
/// go to the recorder of the [`metrics`](https://docs.rs/metrics) crate, which has to be installed
/// before the first operation: `choreo_operations_total`, `choreo_bytes_total` and
/// `choreo_errors_total` by `role`, `peer` and `operation`, and the timed waits as
/// `choreo_wait_seconds`.
///
/// Only what went well is counted as an operation, so that the counts of two sides agree; what
/// failed is counted as an error. A broadcast counts as one send to each peer; when it fails,
/// as one error at the peer that the error names, or else at the first.
///
/// # What is timed
/// Most operations are done at once, in less time than reading a clock takes, so an operation is
/// timed only if it has to wait (for the peer, for room in a queue, for the network): from then
/// on until it is done. Of each peer and kind of operation the first 16 waits are timed, after
/// that every 64th; [`time_every`](MetricsLayer::time_every) sets another step, 1 times all.
/// How many operations had to wait is counted exactly. Broadcasts are not timed.
///
/// ```
/// use choreo_core::ChoreoHandlerExt;
/// use choreo_handler_inmemory::InMemoryNetwork;
/// use choreo_middleware::Metrics;
///
/// # futures::executor::block_on(async {
/// let network = InMemoryNetwork::new();
/// let bob = network.join("Bob")?;
/// let alice = Metrics::new(network.join("Alice")?);
///
/// alice.send(&(), "Bob", &"hello").await?;
/// # bob.recv::<String>(&(), "Alice").await?;
/// assert_eq!(alice.send_count(), 1);
/// assert_eq!(alice.snapshot().peer("Bob").unwrap().send.bytes, 6);
/// # Ok::<(), choreo_core::Error>(()) }).unwrap();
/// ```
///
/// # Cancel safety
/// As the inner handler's. An operation that is dropped is not counted.
pub struct Metrics<H: ChoreoHandler> {
    inner: H,
    handle: MetricsHandle,
    peers: PeerMap<H::Role, Arc<Peer>>,
}

/// Configures [`Metrics`], and reads the counts of all handlers that it has wrapped.
#[derive(Clone, Debug, Default)]
pub struct MetricsLayer {
    handle: MetricsHandle,
}

/// Reads the counts, from any thread and for as long as it likes. Cheap to clone.
#[derive(Clone, Default)]
pub struct MetricsHandle {
    registry: Arc<Registry>,
}

impl<H: ChoreoHandler> Metrics<H> {
    /// Counts what goes through `inner`.
    #[must_use]
    pub fn new(inner: H) -> Self {
        MetricsLayer::new().layer(inner)
    }

    /// The inner handler.
    #[must_use]
    pub fn inner(&self) -> &H {
        &self.inner
    }

    /// Reads the counts after the handler is boxed, or gone.
    #[must_use]
    pub fn handle(&self) -> MetricsHandle {
        self.handle.clone()
    }

    fn peer(&self, peer: &H::Role) -> &Peer {
        let registry = &self.handle.registry;
        self.peers
            .get_or_insert_with(peer, || registry.peer(&peer.name()))
    }
}

impl MetricsLayer {
    /// A layer with counters of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Times each so many-th wait of a peer and kind of operation, besides the first 16: 1 times
    /// all, 0 none. It is 64 unless told otherwise; other numbers count as the next power of two.
    ///
    /// Starts with counters of its own: to be called before handlers are wrapped.
    #[must_use]
    pub fn time_every(self, every: u32) -> Self {
        self.with(|config| config.time_every = every)
    }

    /// Names the role that the handlers play: the label `role` of counts that go to the
    /// `metrics` crate.
    ///
    /// Starts with counters of its own, as [`time_every`](Self::time_every) does.
    #[cfg(feature = "metrics-facade")]
    #[must_use]
    pub fn with_role(self, role: impl Into<String>) -> Self {
        self.with(|config| config.role = Some(role.into()))
    }

    fn with(&self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.handle.registry.config().clone();
        change(&mut config);
        Self {
            handle: MetricsHandle {
                registry: Arc::new(Registry::new(config)),
            },
        }
    }

    /// Reads the counts.
    #[must_use]
    pub fn handle(&self) -> MetricsHandle {
        self.handle.clone()
    }
}

macro_rules! reads {
    ($self:ident => $registry:expr) => {
        /// All counts at once.
        #[must_use]
        pub fn snapshot(&self) -> MetricsSnapshot {
            let $self = self;
            $registry.snapshot()
        }

        /// How many messages were sent.
        #[must_use]
        pub fn send_count(&self) -> u64 {
            self.snapshot().total(Operation::Send).count
        }

        /// How many messages were received.
        #[must_use]
        pub fn recv_count(&self) -> u64 {
            self.snapshot().total(Operation::Recv).count
        }

        /// How many labels were sent.
        #[must_use]
        pub fn choose_count(&self) -> u64 {
            self.snapshot().total(Operation::Choose).count
        }

        /// How many labels were received.
        #[must_use]
        pub fn offer_count(&self) -> u64 {
            self.snapshot().total(Operation::Offer).count
        }
    };
}

impl<H: ChoreoHandler> Metrics<H> {
    reads!(metrics => metrics.handle.registry);
}

impl MetricsLayer {
    reads!(layer => layer.handle.registry);
}

impl MetricsHandle {
    reads!(handle => handle.registry);
}

impl<H: ChoreoHandler + fmt::Debug> fmt::Debug for Metrics<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("inner", &self.inner)
            .field("handle", &self.handle)
            .finish()
    }
}

impl fmt::Debug for MetricsHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.snapshot().fmt(f)
    }
}

impl<H: ChoreoHandler> Metrics<H> {
    #[cold]
    fn count_broadcast(
        &self,
        to: &[H::Role],
        operation: Operation,
        sent: &Result<()>,
        bytes: usize,
    ) {
        let stats = |peer| self.peer(peer).of(operation);
        match sent {
            Ok(()) => to
                .iter()
                .for_each(|peer| stats(peer).count(&Waited::NOT, bytes)),
            Err(error) => {
                let named = |peer: &&H::Role| error.peer() == Some(&RoleId::name(*peer));
                if let Some(peer) = to.iter().find(named).or(to.first()) {
                    stats(peer).count_error();
                }
            }
        }
    }
}

impl<H: ChoreoHandler> Layer<H> for MetricsLayer {
    type Service = Metrics<H>;

    fn layer(&self, inner: H) -> Metrics<H> {
        Metrics {
            inner,
            handle: self.handle(),
            peers: PeerMap::new(),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<H: ChoreoHandler> ChoreoHandler for Metrics<H> {
    type Role = H::Role;
    type Endpoint = H::Endpoint;

    handler_fn! {
        fn send_payload(self, endpoint, to, payload) {
            let peer = self.peer(to);
            match payload {
                Outgoing::Message(message) => in_box(move || async move {
                    let watched = Watched::<Size>::new(message);
                    let payload = Outgoing::Message(&watched);
                    let sent = self.inner.send_payload(endpoint, to, payload);
                    Watch::new(sent, peer.of(Operation::Send), |sent: &_, stats, waited| {
                        stats.count_sent(sent, waited, watched.note().get());
                    })
                    .await
                }),
                Outgoing::Label(label) => {
                    let sent = self.inner.send_payload(endpoint, to, payload);
                    let stats = peer.of(Operation::Choose);
                    Box::pin(Watch::new(sent, stats, |sent: &_, stats, waited| {
                        stats.count_sent(sent, waited, label.len());
                    }))
                }
            }
        }
        fn send_to_all(self, endpoint, to, payload) {
            Box::pin(async move {
                let watched = Watched::<Size>::of(payload);
                let sent = self.inner.send_to_all(endpoint, to, watched.outgoing(payload)).await;
                let bytes = watched.note().get();
                self.count_broadcast(to, Operation::sending(payload), &sent, bytes);
                sent
            })
        }
        fn recv_payload(self, endpoint, from) {
            let peer = self.peer(from);
            in_box(move || {
                let received = self.inner.recv_payload(endpoint, from);
                let stats = peer.of(Operation::Recv);
                Watch::new(received, stats, |received: &Result<Incoming>, _, waited| {
                    peer.count_received(received, waited);
                })
            })
        }
    }

    forward!(inner: abandon);
}

use choreo_session::wire::{Abort, Code};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Counts by one label.
type Counters<L> = Family<[(&'static str, L); 1], Counter>;

/// What a relay counts, for Prometheus.
pub(crate) struct Metrics {
    registry: Registry,
    connections: Gauge,
    sessions: Gauge,
    queued: Gauge,
    opened: Counters<&'static str>,
    let_in: Counters<&'static str>,
    refused: Counters<u16>,
    closed: Counters<u16>,
    ended: Counters<u16>,
    frames: Counter,
    bytes: Counter,
    full: Counter,
    absent: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let dropped = Counters::<&'static str>::default();
        let why = |why| dropped.get_or_create(&[("why", why)]).clone();
        let (full, absent) = (why("full"), why("absent"));
        let mut metrics = Self {
            registry: Registry::with_prefix("choreo_relay"),
            connections: Gauge::default(),
            sessions: Gauge::default(),
            queued: Gauge::default(),
            opened: Family::default(),
            let_in: Family::default(),
            refused: Family::default(),
            closed: Family::default(),
            ended: Family::default(),
            frames: Counter::default(),
            bytes: Counter::default(),
            full,
            absent,
        };
        let to = &mut metrics.registry;
        to.register(
            "connections",
            "Connections now",
            metrics.connections.clone(),
        );
        to.register("sessions", "Sessions now", metrics.sessions.clone());
        to.register(
            "queued_bytes",
            "Bytes that wait to be sent",
            metrics.queued.clone(),
        );
        to.register(
            "opened",
            "Connections of roles to be, by transport",
            metrics.opened.clone(),
        );
        to.register(
            "let_in",
            "Roles that were let in, by how",
            metrics.let_in.clone(),
        );
        to.register(
            "refused",
            "Connections that were not let in, by code",
            metrics.refused.clone(),
        );
        to.register(
            "closed",
            "Connections closed by the relay, by code",
            metrics.closed.clone(),
        );
        to.register(
            "sessions_ended",
            "Sessions not ended in order, by code",
            metrics.ended.clone(),
        );
        to.register("frames", "Frames passed on", metrics.frames.clone());
        to.register(
            "payload_bytes",
            "Bytes of payload passed on",
            metrics.bytes.clone(),
        );
        to.register("frames_dropped", "Frames not passed on, by why", dropped);
        metrics
    }

    /// Somebody connected, by that transport.
    pub(crate) fn opened(&self, transport: &'static str) {
        let label = [("transport", transport)];
        self.opened.get_or_create(&label).inc();
    }

    /// A role is in.
    pub(crate) fn let_in(&self, how: &'static str) {
        self.let_in.get_or_create(&[("how", how)]).inc();
    }

    /// A connection is not let in.
    pub(crate) fn refused(&self, code: Code) {
        self.refused.get_or_create(&[("code", code.number())]).inc();
    }

    /// A connection of a role is closed with a code.
    pub(crate) fn closed(&self, code: Code) {
        self.closed.get_or_create(&[("code", code.number())]).inc();
    }

    /// A session is over for all.
    pub(crate) fn ended(&self, abort: &Abort) {
        self.ended
            .get_or_create(&[("code", abort.code().number())])
            .inc();
    }

    /// A frame was passed on.
    pub(crate) fn forwarded(&self, bytes: usize) {
        self.frames.inc();
        self.bytes.inc_by(bytes as u64);
    }

    /// A frame found no room.
    pub(crate) fn full(&self) {
        self.full.inc();
    }

    /// A frame found nobody.
    pub(crate) fn absent(&self) {
        self.absent.inc();
    }

    /// All of it, as Prometheus reads it.
    pub(crate) fn text(&self, connections: usize, sessions: usize, queued: usize) -> String {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.connections.set(number(connections));
        self.sessions.set(number(sessions));
        self.queued.set(number(queued));
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

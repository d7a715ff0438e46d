use std::fmt;
use std::time::Duration;

use choreo_session::Terms;

/// How a relay runs, and how much it takes.
///
/// ```
/// use choreo_relay::RelayConfig;
///
/// let config = RelayConfig::default()
///     .with_origins(["https://game.example"])
///     .with_connections(1_000);
/// assert_eq!(config.queue_bytes, 1024 * 1024);
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct RelayConfig {
    /// The sessions: their limits, how many there may be, how long a role may be away.
    pub terms: Terms,
    /// The key from which the keys of roles are derived. A relay that is started again with the
    /// same key lets the roles go on; without one it is drawn at random.
    pub master: Option<[u8; 32]>,
    /// The pages that may connect: `https://game.example`, exactly as browsers write it. Programs
    /// that are no browsers name no origin, and are let in.
    pub origins: Vec<String>,
    /// The most connections at once: 20,000.
    pub connections: usize,
    /// The most connections that have not been let in yet: 1,024.
    pub newcomers: usize,
    /// As many from one address: 256. Behind a proxy all come from one: raise it there.
    pub newcomers_per_address: usize,
    /// How long somebody may take to be let in: 5 s.
    pub greeting_time: Duration,
    /// A connection on which nothing came for so long is dead: 45 s.
    pub silence: Duration,
    /// The most bytes that wait for one role: 1 MiB. What does not fit is dropped, and sent again
    /// by the other end.
    pub queue_bytes: usize,
    /// The most bytes that wait for all roles: 256 MiB.
    pub queue_bytes_in_all: usize,
    /// For how long a role may take nothing out of a full queue before it is disconnected: 30 s.
    pub stall: Duration,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            terms: Terms::default(),
            master: None,
            origins: Vec::new(),
            connections: 20_000,
            newcomers: 1_024,
            newcomers_per_address: 256,
            greeting_time: Duration::from_secs(5),
            silence: Duration::from_secs(45),
            queue_bytes: 1024 * 1024,
            queue_bytes_in_all: 256 * 1024 * 1024,
            stall: Duration::from_secs(30),
        }
    }
}

impl RelayConfig {
    /// With other terms for sessions.
    #[must_use]
    pub fn with_terms(mut self, terms: Terms) -> Self {
        self.terms = terms;
        self
    }

    /// With the master key of a relay that was there before, or will be.
    #[must_use]
    pub fn with_master(mut self, master: [u8; 32]) -> Self {
        self.master = Some(master);
        self
    }

    /// With the pages that may connect.
    #[must_use]
    pub fn with_origins<O: Into<String>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        self.origins = origins.into_iter().map(Into::into).collect();
        self
    }

    /// With another bound on connections.
    #[must_use]
    pub fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// With other bounds on connections that have not been let in: in all, and per address.
    #[must_use]
    pub fn with_newcomers(mut self, in_all: usize, per_address: usize) -> Self {
        self.newcomers = in_all;
        self.newcomers_per_address = per_address;
        self
    }

    /// With another time to be let in.
    #[must_use]
    pub fn with_greeting_time(mut self, time: Duration) -> Self {
        self.greeting_time = time;
        self
    }

    /// With another time after which a silent connection is dead.
    #[must_use]
    pub fn with_silence(mut self, time: Duration) -> Self {
        self.silence = time;
        self
    }

    /// With other bounds on what waits: for one role, and for all.
    #[must_use]
    pub fn with_queue_bytes(mut self, per_role: usize, in_all: usize) -> Self {
        self.queue_bytes = per_role;
        self.queue_bytes_in_all = in_all;
        self
    }

    /// With another patience with roles that do not read.
    #[must_use]
    pub fn with_stall(mut self, time: Duration) -> Self {
        self.stall = time;
        self
    }
}

/// Without the key.
impl fmt::Debug for RelayConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayConfig")
            .field("terms", &self.terms)
            .field("origins", &self.origins)
            .field("connections", &self.connections)
            .field("newcomers", &self.newcomers)
            .field("newcomers_per_address", &self.newcomers_per_address)
            .field("greeting_time", &self.greeting_time)
            .field("silence", &self.silence)
            .field("queue_bytes", &self.queue_bytes)
            .field("queue_bytes_in_all", &self.queue_bytes_in_all)
            .field("stall", &self.stall)
            .finish_non_exhaustive()
    }
}

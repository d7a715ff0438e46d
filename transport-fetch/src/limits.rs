use std::time::Duration;

/// What a connection may take: sizes in bytes, and times. The same for both sides.
///
/// ```
/// use choreo_transport_fetch::Limits;
/// use std::time::Duration;
///
/// let limits = Limits::default()
///     .max_frame(4 * 1024)
///     .open_timeout(Duration::from_secs(3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) max_frame: usize,
    pub(crate) high_water: usize,
    pub(crate) receive_queue: usize,
    pub(crate) open_timeout: Duration,
    pub(crate) close_timeout: Duration,
    pub(crate) retry_time: Duration,
    pub(crate) stream_timeout: Duration,
    pub(crate) away: Duration,
}

impl Limits {
    /// The largest frame, in bytes: a message of 64 KiB, and room for headers around it.
    pub const DEFAULT_MAX_FRAME: usize = 64 * 1024 + 1024;

    /// The largest frame in bytes, either way (65 KiB unless said otherwise). Above it a send is
    /// refused; a peer that sends one is disconnected.
    #[must_use]
    pub fn max_frame(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// How many bytes may be on their way, that the other side has not taken yet (256 KiB unless
    /// said otherwise); a send above it waits. One frame always may, whatever its size. Each frame
    /// counts 64 bytes more than it has.
    #[must_use]
    pub fn high_water(mut self, bytes: usize) -> Self {
        self.high_water = bytes;
        self
    }

    /// How many bytes may wait for a `recv` (256 KiB unless said otherwise); above it the peer is
    /// held back. One frame always may. Each frame counts 64 bytes more than it has.
    #[must_use]
    pub fn receive_queue(mut self, bytes: usize) -> Self {
        self.receive_queue = bytes;
        self
    }

    /// How long opening a connection may take (10 s unless said otherwise).
    #[must_use]
    pub fn open_timeout(mut self, limit: Duration) -> Self {
        self.open_timeout = limit;
        self
    }

    /// How long a closed connection waits for the peer to close it too, and for what is on its way
    /// to make progress (5 s unless said otherwise).
    #[must_use]
    pub fn close_timeout(mut self, limit: Duration) -> Self {
        self.close_timeout = limit;
        self
    }

    /// As client: for how long a request that fails is repeated, before the connection counts as
    /// broken (5 s unless said otherwise).
    #[must_use]
    pub fn retry_time(mut self, limit: Duration) -> Self {
        self.retry_time = limit;
        self
    }

    /// As client: how long a streamed answer may take to begin. If it does not, something between
    /// holds it back, and the connection goes on by long polls (3 s unless said otherwise).
    #[must_use]
    pub fn stream_timeout(mut self, limit: Duration) -> Self {
        self.stream_timeout = limit;
        self
    }

    /// As server: how long a client may be without a request before the connection counts as broken
    /// (15 s unless said otherwise). It has one nearly always, for what comes down.
    #[must_use]
    pub fn away(mut self, limit: Duration) -> Self {
        self.away = limit;
        self
    }

    /// The largest body of a request: the largest frame with its length, or as many small ones.
    #[cfg(all(feature = "axum", not(target_arch = "wasm32")))]
    pub(crate) fn max_body(&self) -> usize {
        self.max_frame.max(Self::DEFAULT_MAX_FRAME) + 1024
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_frame: Self::DEFAULT_MAX_FRAME,
            high_water: 256 * 1024,
            receive_queue: 256 * 1024,
            open_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            retry_time: Duration::from_secs(5),
            stream_timeout: Duration::from_secs(3),
            away: Duration::from_secs(15),
        }
    }
}

use std::time::Duration;

/// What a connection may take: sizes in bytes, and times. The same for both sides.
///
/// ```
/// use choreo_transport_websocket::Limits;
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
}

impl Limits {
    /// The largest frame, in bytes: a message of 64 KiB, and room for headers around it.
    pub const DEFAULT_MAX_FRAME: usize = 64 * 1024 + 1024;

    /// The largest frame in bytes, either way. Above it a send is refused; a peer that sends one
    /// is disconnected with close code 4413.
    #[must_use]
    pub fn max_frame(mut self, bytes: usize) -> Self {
        self.max_frame = bytes;
        self
    }

    /// How many bytes may wait in this process to be sent (256 KiB unless said otherwise); a send
    /// above it waits. One frame always may, whatever its size.
    #[must_use]
    pub fn high_water(mut self, bytes: usize) -> Self {
        self.high_water = bytes;
        self
    }

    /// In browsers: how many bytes may wait for a `recv` (4 MiB unless said otherwise).
    ///
    /// Browsers cannot hold a sender back. A peer that sends more than this ahead is disconnected
    /// with close code 4429: what is queued can still be received. A session never comes there,
    /// since its peers send only what they have credit for. Each frame counts 64 bytes more than it
    /// has. Natively nothing is queued: what is not received waits in the socket, and then the
    /// peer does.
    #[must_use]
    pub fn receive_queue(mut self, bytes: usize) -> Self {
        self.receive_queue = bytes;
        self
    }

    /// How long opening a connection may take, as client and as server (10 s unless said
    /// otherwise).
    #[must_use]
    pub fn open_timeout(mut self, limit: Duration) -> Self {
        self.open_timeout = limit;
        self
    }

    /// How long a closed connection waits for the peer to close it too (5 s unless said otherwise).
    #[must_use]
    pub fn close_timeout(mut self, limit: Duration) -> Self {
        self.close_timeout = limit;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_frame: Self::DEFAULT_MAX_FRAME,
            high_water: 256 * 1024,
            receive_queue: 4 * 1024 * 1024,
            open_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
        }
    }
}

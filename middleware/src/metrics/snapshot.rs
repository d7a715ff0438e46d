use std::time::Duration;

use choreo_core::Operation;

/// All counts at one time: plain data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// By peer, in the order of their names.
    pub peers: Vec<PeerMetrics>,
}

/// The counts of one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerMetrics {
    /// The peer's name.
    pub peer: String,
    /// Messages to the peer.
    pub send: OperationMetrics,
    /// Messages from the peer. Receives that failed are among its errors, since nobody knows
    /// what they would have received.
    pub recv: OperationMetrics,
    /// Labels for the peer.
    pub choose: OperationMetrics,
    /// Labels from the peer.
    pub offer: OperationMetrics,
}

/// The counts of one kind of operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperationMetrics {
    /// How many went well.
    pub count: u64,
    /// How many bytes these carried, as encoded, without headers; the length of the labels.
    pub bytes: u64,
    /// How many failed.
    pub errors: u64,
    /// How many of those that went well were not done at once.
    pub waited: u64,
    /// How long the ones took that were timed.
    pub waits: Waits,
}

/// A histogram of waits: how many lie between one power of two and the next.
///
/// ```
/// use choreo_middleware::Waits;
/// use std::time::Duration;
///
/// let waits = Waits::default();
/// assert_eq!(waits.count(), 0);
/// assert_eq!(waits.quantile(50), None);
/// assert_eq!(Waits::limit(10), Duration::from_nanos(1024));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waits {
    /// The sum of all.
    pub total: Duration,
    /// How many took less than [`limit(n)`](Self::limit), and at least half of that. The last
    /// also holds the longer ones.
    pub buckets: [u64; Self::BUCKETS],
}

impl MetricsSnapshot {
    /// The counts of the peer of that name.
    #[must_use]
    pub fn peer(&self, name: &str) -> Option<&PeerMetrics> {
        self.peers.iter().find(|peer| peer.peer == name)
    }

    /// The counts of all peers together.
    #[must_use]
    pub fn total(&self, operation: Operation) -> OperationMetrics {
        let mut total = OperationMetrics::default();
        for peer in &self.peers {
            total.add(peer.of(operation));
        }
        total
    }
}

impl PeerMetrics {
    /// The counts of one kind of operation.
    #[must_use]
    pub fn of(&self, operation: Operation) -> &OperationMetrics {
        match operation {
            Operation::Send => &self.send,
            Operation::Recv => &self.recv,
            Operation::Choose => &self.choose,
            Operation::Offer => &self.offer,
        }
    }
}

impl OperationMetrics {
    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.bytes += other.bytes;
        self.errors += other.errors;
        self.waited += other.waited;
        self.waits.total = self.waits.total.saturating_add(other.waits.total);
        for (bucket, more) in self.waits.buckets.iter_mut().zip(other.waits.buckets) {
            *bucket += more;
        }
    }
}

impl Waits {
    /// Enough for nine minutes.
    pub const BUCKETS: usize = 40;

    /// What the waits of a bucket stay below: 2 to the power of its number, in nanoseconds.
    #[must_use]
    pub const fn limit(bucket: usize) -> Duration {
        let power = if bucket < 63 { bucket } else { 63 };
        Duration::from_nanos(1 << power)
    }

    /// How many waits were timed.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The time that so many percent of the timed waits stayed below, to the next power of two;
    /// `None` when none was timed.
    #[must_use]
    pub fn quantile(&self, percent: u8) -> Option<Duration> {
        let (count, percent) = (self.count(), u64::from(percent.min(100)));
        // So many percent, rounded up, without an overflow.
        let rank = count / 100 * percent + (count % 100 * percent).div_ceil(100);
        let mut seen = 0;
        let bucket = self.buckets.iter().position(|waits| {
            seen += waits;
            seen > 0 && seen >= rank
        });
        bucket.map(Self::limit)
    }

    /// The average of the timed waits; `None` when none was timed.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let nanos = Self::nanos(self.total).checked_div(self.count())?;
        Some(Duration::from_nanos(nanos))
    }

    pub(super) fn bucket(time: Duration) -> usize {
        let bits = u64::BITS - Self::nanos(time).leading_zeros();
        (bits as usize).min(Self::BUCKETS - 1)
    }

    pub(super) fn nanos(time: Duration) -> u64 {
        let whole = time.as_secs().saturating_mul(1_000_000_000);
        whole.saturating_add(time.subsec_nanos().into())
    }
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            total: Duration::ZERO,
            buckets: [0; Self::BUCKETS],
        }
    }
}

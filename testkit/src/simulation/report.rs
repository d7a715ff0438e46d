use std::fmt;
use std::time::Duration;

/// What happened in the worlds of a [`Simulation`](super::Simulation) that all went well.
///
/// A test can make sure by it that something did go wrong: that there were losses to survive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How many worlds.
    pub worlds: u64,
    /// What happened in all of them.
    pub counts: Counts,
    /// How much virtual time passed in all of them.
    pub time: Duration,
    /// Of all that happened, and when: the same as long as the code and the seeds are.
    pub digest: u64,
}

/// How often something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Messages and labels that went out.
    pub sent: u64,
    /// Those that were received, repeated ones too.
    pub received: u64,
    /// Those that were lost, by chance, in a partition, or because the receiver crashed.
    pub lost: u64,
    /// Those that the network made twice.
    pub repeated: u64,
    /// Partitions.
    pub partitions: u64,
    /// Roles that crashed.
    pub crashes: u64,
    /// Roles that started again.
    pub restarts: u64,
}

impl Report {
    pub(super) fn add(&mut self, counts: Counts, time: Duration, digest: u64) {
        self.worlds += 1;
        self.time += time;
        self.digest = self.digest.rotate_left(5) ^ digest;
        self.counts.add(counts);
    }
}

impl Counts {
    fn add(&mut self, more: Self) {
        let Self {
            sent,
            received,
            lost,
            repeated,
            partitions,
            crashes,
            restarts,
        } = more;
        self.sent += sent;
        self.received += received;
        self.lost += lost;
        self.repeated += repeated;
        self.partitions += partitions;
        self.crashes += crashes;
        self.restarts += restarts;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            sent,
            received,
            lost,
            repeated,
            partitions,
            crashes,
            restarts,
        } = self.counts;
        write!(
            f,
            "{} worlds, {:?}: {sent} sent, {received} received, {lost} lost, {repeated} repeated, \
             {partitions} partitions, {crashes} crashes, {restarts} restarts",
            self.worlds, self.time
        )
    }
}

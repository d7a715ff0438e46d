use std::slice::from_ref;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use choreo_core::{
    BoxFuture, ChoreoHandler, Error, ErrorKind, Layer, Operation, Outgoing, Recipients, Result,
    RoleId, forward, handler_fn, runtime,
};

use crate::sorted::Sorted;
use crate::times;

/// Makes operations slow or fail on purpose, and the same ones each time.
///
/// What happens to an operation depends on the seed, the peer, the direction, and how many
/// operations with that peer in that direction there were before: the same program meets the same
/// faults in every run, however its parallel branches interleave. (An operation that is dropped
/// and called again counts twice.) Roles that share a seed meet the same faults with the same
/// peer; give each its own where that is not wanted.
///
/// ```
/// use choreo_core::{ChoreoHandlerExt, ErrorKind};
/// use choreo_handler_inmemory::InMemoryNetwork;
/// use choreo_middleware::{Fault, FaultInjection};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> choreo_core::Result<()> {
/// let network = InMemoryNetwork::new();
/// let alice = FaultInjection::new(network.join("Alice")?)
///     .with_seed(7)
///     .with_rate(Fault::BeforeSend, 0.5)
///     .with_delay_range(Duration::ZERO, Duration::from_millis(2));
///
/// let mut failed = 0;
/// for n in 0..20_u32 {
///     if let Err(error) = alice.send(&(), "Bob", &n).await {
///         assert_eq!(error.kind(), ErrorKind::Injected);
///         failed += 1;
///     }
/// }
/// assert!((1..20).contains(&failed));
/// # Ok(()) }
/// ```
///
/// # Cancel safety
/// As the inner handler's: a fault never takes a payload away.
#[derive(Debug)]
pub struct FaultInjection<H> {
    inner: H,
    layer: FaultInjectionLayer,
    counts: Counts,
}

/// Configures [`FaultInjection`]. The default does nothing.
#[derive(Clone, Debug, Default)]
pub struct FaultInjectionLayer {
    seed: u64,
    before_send: Plan,
    after_send: Plan,
    recv: Plan,
    delay: Option<(Duration, Duration)>,
}

/// What can go wrong: each an error of kind [`Injected`](ErrorKind::Injected).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A send fails and nothing was sent: transient, so a `Retry` outside repeats it.
    BeforeSend,
    /// A send fails after the payload was delivered: not transient.
    AfterSend,
    /// A receive fails; the payload is left to the next receive. Nothing repeats it by itself.
    Recv,
}

/// When a fault happens.
#[derive(Clone, Debug, Default)]
struct Plan {
    rate: f64,
    schedule: Vec<u64>,
}

/// How many operations there were with each peer: sends and receives. Only faults need them, so
/// they need not be fast.
type Counts = Mutex<Sorted<String, [u64; 2]>>;

/// What happens to an operation with one peer, or with several at once.
#[derive(Default)]
struct Fate {
    delay: Duration,
    before: Option<Error>,
    after: Option<Error>,
}

/// The same setters for the layer and for the handler that is wrapped by hand.
macro_rules! setters {
    ($($layer:ident)?) => {
        /// The seed: another one, other faults. It is 0 unless told otherwise.
        #[must_use]
        pub fn with_seed(mut self, seed: u64) -> Self {
            self.$($layer.)?seed = seed;
            self
        }

        /// The probability, from 0 to 1, that an operation fails before it does anything:
        /// [`Fault::BeforeSend`] and [`Fault::Recv`] at once.
        ///
        /// Programs do not survive failed receives; where a `Retry` shall get a protocol
        /// through, set the rate of `BeforeSend` alone.
        #[must_use]
        pub fn with_failure_rate(self, rate: f64) -> Self {
            self.with_rate(Fault::BeforeSend, rate).with_rate(Fault::Recv, rate)
        }

        /// The probability of a fault, from 0 to 1.
        #[must_use]
        pub fn with_rate(mut self, fault: Fault, rate: f64) -> Self {
            self.$($layer.)?plan(fault).rate = rate;
            self
        }

        /// Which operations a fault hits besides: 1 is the first with each peer in its direction.
        #[must_use]
        pub fn with_schedule(mut self, fault: Fault, nth: impl IntoIterator<Item = u64>) -> Self {
            self.$($layer.)?plan(fault).schedule = nth.into_iter().collect();
            self
        }

        /// Delays every operation by between `shortest` and `longest`, in either order.
        #[must_use]
        pub fn with_delay_range(mut self, shortest: Duration, longest: Duration) -> Self {
            let range = (shortest.min(longest), longest.max(shortest));
            self.$($layer.)?delay = (!range.1.is_zero()).then_some(range);
            self
        }
    };
}

impl<H> FaultInjection<H> {
    /// No faults yet.
    #[must_use]
    pub fn new(inner: H) -> Self {
        FaultInjectionLayer::new().layer(inner)
    }

    setters!(layer);

    /// The inner handler.
    #[must_use]
    pub fn inner(&self) -> &H {
        &self.inner
    }

    /// Decides on the next operation with each of these peers.
    fn fate<R: RoleId>(&self, operation: Operation, peers: &[R]) -> Fate {
        let mut fate = Fate::default();
        for peer in peers {
            self.layer
                .decide(&self.counts, operation, &peer.name(), &mut fate);
        }
        fate
    }
}

impl FaultInjectionLayer {
    /// No faults yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters!();

    fn plan(&mut self, fault: Fault) -> &mut Plan {
        match fault {
            Fault::BeforeSend => &mut self.before_send,
            Fault::AfterSend => &mut self.after_send,
            Fault::Recv => &mut self.recv,
        }
    }

    fn leaves_sends_alone(&self) -> bool {
        self.delay.is_none() && self.before_send.is_never() && self.after_send.is_never()
    }

    fn leaves_receives_alone(&self) -> bool {
        self.delay.is_none() && self.recv.is_never()
    }

    fn decide(&self, counts: &Counts, operation: Operation, peer: &str, fate: &mut Fate) {
        let sends = matches!(operation, Operation::Send | Operation::Choose);
        let nth = count(counts, peer, sends);
        let random = Random::new(self.seed, sends, nth, peer);
        if let Some((shortest, longest)) = self.delay {
            let range = longest.saturating_sub(shortest);
            let delay = shortest.saturating_add(times::part(range, random.delay));
            fate.delay = fate.delay.max(delay);
        }
        let error = |place| {
            let detail = format!("fault injected {place} (number {nth})");
            Error::new(ErrorKind::Injected, detail).at(operation, peer)
        };
        if !sends {
            if self.recv.hits(random.before, nth) {
                fate.before = Some(error("before the receive"));
            }
            return;
        }
        if self.before_send.hits(random.before, nth) {
            let error = || error("before the send").transient();
            fate.before.get_or_insert_with(error);
        }
        if self.after_send.hits(random.after, nth) {
            fate.after
                .get_or_insert_with(|| error("after the delivery"));
        }
    }
}

impl Plan {
    fn is_never(&self) -> bool {
        self.rate <= 0.0 && self.schedule.is_empty()
    }

    fn hits(&self, random: f64, nth: u64) -> bool {
        random < self.rate || self.schedule.contains(&nth)
    }
}

impl Fate {
    /// What comes before the operation.
    async fn before(&mut self) -> Result<()> {
        if !self.delay.is_zero() {
            runtime::sleep(self.delay).await;
        }
        self.before.take().map_or(Ok(()), Err)
    }

    /// What comes after it.
    fn after(self) -> Result<()> {
        self.after.map_or(Ok(()), Err)
    }
}

/// Counts one operation more, and says the how many-th it is.
fn count(counts: &Counts, peer: &str, sends: bool) -> u64 {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    let counts = counts.entry(peer, || (peer.to_owned(), [0; 2]));
    let count = &mut counts[usize::from(sends)];
    *count += 1;
    *count
}

/// The random numbers, from 0 to 1, of one operation. Always the same draws, so that changing one
/// rate does not move the other faults.
struct Random {
    before: f64,
    after: f64,
    delay: f64,
}

impl Random {
    fn new(seed: u64, sends: bool, nth: u64, peer: &str) -> Self {
        let seed = [seed, nth, u64::from(sends)].map(u64::to_le_bytes);
        let mut random = fastrand::Rng::with_seed(fnv(seed.as_flattened(), peer.as_bytes()));
        Self {
            before: random.f64(),
            after: random.f64(),
            delay: random.f64(),
        }
    }
}

/// FNV-1a, which is the same on every platform and in every version.
fn fnv(head: &[u8], tail: &[u8]) -> u64 {
    head.iter()
        .chain(tail)
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        })
}

impl<H: ChoreoHandler> FaultInjection<H> {
    fn send<'a>(
        &'a self,
        endpoint: &'a H::Endpoint,
        to: Recipients<'a, H::Role>,
        payload: Outgoing<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        if self.layer.leaves_sends_alone() {
            return to.send(&self.inner, endpoint, payload);
        }
        Box::pin(async move {
            let mut fate = self.fate(Operation::sending(payload), to.roles());
            fate.before().await?;
            to.send(&self.inner, endpoint, payload).await?;
            fate.after()
        })
    }
}

impl<H> Layer<H> for FaultInjectionLayer {
    type Service = FaultInjection<H>;

    fn layer(&self, inner: H) -> FaultInjection<H> {
        FaultInjection {
            inner,
            layer: self.clone(),
            counts: Counts::default(),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<H: ChoreoHandler> ChoreoHandler for FaultInjection<H> {
    type Role = H::Role;
    type Endpoint = H::Endpoint;

    handler_fn! {
        fn send_payload(self, endpoint, to, payload) {
            self.send(endpoint, Recipients::One(to), payload)
        }
        fn send_to_all(self, endpoint, to, payload) {
            self.send(endpoint, Recipients::All(to), payload)
        }
        fn recv_payload(self, endpoint, from) {
            if self.layer.leaves_receives_alone() {
                return self.inner.recv_payload(endpoint, from);
            }
            Box::pin(async move {
                let mut fate = self.fate(Operation::Recv, from_ref(from));
                fate.before().await?;
                self.inner.recv_payload(endpoint, from).await
            })
        }
    }

    forward!(inner: abandon);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(layer: &FaultInjectionLayer) -> Vec<Fate> {
        let handler = layer.layer(());
        let fate = |_| handler.fate(Operation::Send, &["Bob"]);
        (0..20).map(fate).collect()
    }

    #[test]
    fn delays_lie_in_their_range_and_are_the_same_each_time() {
        let range = Duration::from_millis(10)..=Duration::from_millis(30);
        let layer = FaultInjectionLayer::new().with_delay_range(*range.end(), *range.start());
        let delays = || fates(&layer).into_iter().map(|fate| fate.delay);
        assert!(delays().all(|delay| range.contains(&delay)));
        assert!(delays().eq(delays()));
        let spread = delays().max().zip(delays().min());
        assert!(spread.is_some_and(|(most, least)| most - least > Duration::from_millis(12)));
    }

    /// People note down seeds, so what a seed does must not change unnoticed.
    #[test]
    fn a_seed_stands_for_the_same_faults_as_ever() {
        let layer = FaultInjectionLayer::new().with_rate(Fault::BeforeSend, 0.2);
        let failing = |seed| -> Vec<usize> {
            let fates = fates(&layer.clone().with_seed(seed));
            let failing = (1..).zip(&fates).filter(|(_, fate)| fate.before.is_some());
            failing.map(|(nth, _)| nth).collect()
        };
        assert_eq!(failing(1), [2, 6, 9]);
        assert_eq!(failing(2), [1, 12, 15]);
    }
}

use std::time::Duration;

use choreo_core::runtime::Instant;
use choreo_core::{
    BoxFuture, ChoreoHandler, Layer, Outgoing, Recipients, Result, forward, handler_fn, runtime,
};

use crate::in_box::in_box;
use crate::times;

/// Sends again what provably was not sent: [`is_transient`](choreo_core::Error::is_transient).
///
/// Anything else is never repeated: an error that may have come after the delivery, one that
/// would come again (a message that does not serialise, a protocol violation), and receives.
/// `send_to_all` is repeated as a whole, when its error says that nobody has the payload.
///
/// The delays grow: the first is the base delay, each further one twice the one before, up to
/// [`max_delay`](RetryLayer::max_delay). Up to as much again is added at random, so that many
/// peers that failed together do not come back together.
///
/// ```
/// use choreo_core::ChoreoHandlerExt;
/// use choreo_handler_inmemory::InMemoryNetwork;
/// use choreo_middleware::{Fault, FaultInjectionLayer, RetryLayer};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> choreo_core::Result<()> {
/// let network = InMemoryNetwork::new();
/// let bob = network.join("Bob")?;
/// let alice = network
///     .join("Alice")?
///     .layer(FaultInjectionLayer::new().with_schedule(Fault::BeforeSend, [1, 2]))
///     .layer(RetryLayer::new(3, Duration::from_millis(1)));
///
/// alice.send(&(), "Bob", &"third time lucky").await?;
/// assert_eq!(bob.recv::<String>(&(), "Alice").await?, "third time lucky");
/// # Ok(()) }
/// ```
///
/// # Cancel safety
/// As the inner handler's: between two tries nothing is on its way.
#[derive(Clone, Debug)]
pub struct Retry<H> {
    inner: H,
    layer: RetryLayer,
}

/// Configures [`Retry`]. The default makes up to 3 retries, the first after 100 milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct RetryLayer {
    retries: usize,
    base_delay: Duration,
    max_delay: Duration,
    jitter: bool,
    budget: Option<Duration>,
}

impl<H> Retry<H> {
    /// Repeats a send up to `retries` times, first after `base_delay`; for more to configure
    /// there is [`RetryLayer`].
    #[must_use]
    pub fn new(inner: H, retries: usize, base_delay: Duration) -> Self {
        RetryLayer::new(retries, base_delay).layer(inner)
    }

    /// The inner handler.
    #[must_use]
    pub fn inner(&self) -> &H {
        &self.inner
    }
}

impl RetryLayer {
    /// The longest delay, before chance adds to it, unless told otherwise or the first is longer.
    pub const DEFAULT_MAX_DELAY: Duration = Duration::from_secs(30);

    /// Repeats a send up to `retries` times (so there are `retries + 1` attempts), first after
    /// `base_delay`.
    #[must_use]
    pub const fn new(retries: usize, base_delay: Duration) -> Self {
        Self {
            retries,
            base_delay,
            max_delay: if base_delay.as_nanos() > Self::DEFAULT_MAX_DELAY.as_nanos() {
                base_delay
            } else {
                Self::DEFAULT_MAX_DELAY
            },
            jitter: true,
            budget: None,
        }
    }

    /// The delay at which delays stop growing.
    #[must_use]
    pub const fn max_delay(mut self, max_delay: Duration) -> Self {
        self.max_delay = max_delay;
        self
    }

    /// Whether chance adds to the delays, up to as much again. It does unless told otherwise.
    #[must_use]
    pub const fn jitter(mut self, jitter: bool) -> Self {
        self.jitter = jitter;
        self
    }

    /// For how long after its first failure a send is repeated: no attempt starts later.
    #[must_use]
    pub const fn budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// The pause before the attempt that follows on so many.
    fn delay(&self, attempts: usize) -> Duration {
        let doublings = u32::try_from(attempts - 1).unwrap_or(u32::MAX);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        let delay = self.base_delay.saturating_mul(factor).min(self.max_delay);
        if !self.jitter {
            return delay;
        }
        delay.saturating_add(times::part(delay, runtime::random()))
    }

    /// Whether a send that failed so often may be tried again, after such a delay.
    fn allows(&self, attempts: usize, failed_at: Instant, delay: Duration) -> bool {
        let late = |budget| failed_at.elapsed().saturating_add(delay) > budget;
        attempts <= self.retries && !self.budget.is_some_and(late)
    }
}

impl Default for RetryLayer {
    fn default() -> Self {
        Self::new(3, Duration::from_millis(100))
    }
}

impl<H: ChoreoHandler> Retry<H> {
    fn send<'a>(
        &'a self,
        endpoint: &'a H::Endpoint,
        to: Recipients<'a, H::Role>,
        payload: Outgoing<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        let layer = &self.layer;
        if layer.retries == 0 {
            return to.send(&self.inner, endpoint, payload);
        }
        in_box(move || async move {
            let (mut attempts, mut failed_at) = (0, None);
            loop {
                let sent = to.send(&self.inner, endpoint, payload).await;
                attempts += 1;
                let error = match sent {
                    Err(error) if error.is_transient() => error,
                    Err(error) if attempts > 1 => {
                        return Err(error.context(format_args!("attempt {attempts}")));
                    }
                    done => return done,
                };
                let failed_at = *failed_at.get_or_insert_with(Instant::now);
                let delay = layer.delay(attempts);
                if !layer.allows(attempts, failed_at, delay) {
                    return Err(match attempts {
                        1 => error.context("1 attempt, no time for another"),
                        _ => error.context(format_args!("given up after {attempts} attempts")),
                    });
                }
                // In a box of its own: most sends have no use for it.
                Box::pin(runtime::sleep(delay)).await;
            }
        })
    }
}

impl<H> Layer<H> for RetryLayer {
    type Service = Retry<H>;

    fn layer(&self, inner: H) -> Retry<H> {
        Retry {
            inner,
            layer: *self,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<H: ChoreoHandler> ChoreoHandler for Retry<H> {
    type Role = H::Role;
    type Endpoint = H::Endpoint;

    handler_fn! {
        fn send_payload(self, endpoint, to, payload) {
            self.send(endpoint, Recipients::One(to), payload)
        }
        fn send_to_all(self, endpoint, to, payload) {
            self.send(endpoint, Recipients::All(to), payload)
        }
    }

    forward!(inner: recv_payload, abandon);
}

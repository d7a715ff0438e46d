use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use choreo_core::{ChoreoHandler, Error, Layer, Result, forward, handler_fn, runtime};

use crate::in_box::in_box;

/// Sends again what provably was not sent: [`Error::is_transient`].
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

    fn delays(&self) -> impl Iterator<Item = Duration> + use<> {
        let builder = ExponentialBuilder::new()
            .with_min_delay(self.base_delay.min(self.max_delay))
            .with_max_delay(self.max_delay)
            .with_max_times(self.retries);
        if !self.jitter {
            return builder.build();
        }
        // On wasm the hasher is the same in every page; the time since it opened is not.
        let seed = RandomState::new().hash_one(runtime::Instant::now());
        builder.with_jitter().with_jitter_seed(seed).build()
    }

    /// Makes more attempts, while that is safe and allowed.
    async fn again<'a>(
        self,
        mut error: Error,
        attempt: &(dyn Fn() -> Attempt<'a> + Sync),
    ) -> Result<()> {
        let failed_at = runtime::Instant::now();
        let mut attempts = 1_usize;
        for delay in self.delays() {
            let late = |budget| failed_at.elapsed().saturating_add(delay) > budget;
            if self.budget.is_some_and(late) {
                break;
            }
            runtime::sleep(delay).await;
            attempts = attempts.saturating_add(1);
            match attempt().await {
                Ok(()) => return Ok(()),
                Err(again) if again.is_transient() => error = again,
                Err(other) => return Err(other.context(format_args!("attempt {attempts}"))),
            }
        }
        Err(match attempts {
            1 => error.context("1 attempt, no time for another"),
            _ => error.context(format_args!("given up after {attempts} attempts")),
        })
    }
}

impl Default for RetryLayer {
    fn default() -> Self {
        Self::new(3, Duration::from_millis(100))
    }
}

type Attempt<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

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
            if self.layer.retries == 0 {
                return self.inner.send_payload(endpoint, to, payload);
            }
            in_box(move || async move {
                match self.inner.send_payload(endpoint, to, payload).await {
                    // In a box of its own: most sends have no use for it.
                    Err(error) if error.is_transient() => {
                        let attempt = || self.inner.send_payload(endpoint, to, payload);
                        Box::pin(self.layer.again(error, &attempt)).await
                    }
                    done => done,
                }
            })
        }
        fn send_to_all(self, endpoint, to, payload) {
            if self.layer.retries == 0 {
                return self.inner.send_to_all(endpoint, to, payload);
            }
            in_box(move || async move {
                match self.inner.send_to_all(endpoint, to, payload).await {
                    // In a box of its own: most sends have no use for it.
                    Err(error) if error.is_transient() => {
                        let attempt = || self.inner.send_to_all(endpoint, to, payload);
                        Box::pin(self.layer.again(error, &attempt)).await
                    }
                    done => done,
                }
            })
        }
    }

    forward!(inner: recv_payload);
}

use std::time::Duration;

use choreo_core::{
    BoxFuture, ChoreoHandler, Error, Layer, Operation, Outgoing, Recipients, Result, RoleId,
    forward, handler_fn, runtime,
};

/// Limits how long an operation may take: an error of kind
/// [`Timeout`](choreo_core::ErrorKind::Timeout) that names the peer and the limit.
///
/// The operation is then dropped, which handlers stand: a message that comes late is received by
/// the next receive. Whether a send that took too long was delivered is not known, so the error
/// is not transient, and [`Retry`](https://docs.rs/choreo-middleware/latest/choreo_middleware/struct.Retry.html)
/// does not repeat it.
///
/// Outside of `Retry` a limit holds for all attempts together, inside of it for each.
///
/// ```
/// use choreo_core::{ChoreoHandlerExt, ErrorKind};
/// use choreo_handler_inmemory::InMemoryNetwork;
/// use choreo_middleware::Timeout;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> choreo_core::Result<()> {
/// let network = InMemoryNetwork::new();
/// let alice = network.join("Alice")?;
/// let bob = Timeout::new(network.join("Bob")?, Duration::from_millis(5));
///
/// let error = bob.recv::<String>(&(), "Alice").await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Timeout);
///
/// alice.send(&(), "Bob", &"late, not lost").await?;
/// assert_eq!(bob.recv::<String>(&(), "Alice").await?, "late, not lost");
/// # Ok(()) }
/// ```
///
/// # Cancel safety
/// As the inner handler's.
#[derive(Clone, Debug)]
pub struct Timeout<H> {
    inner: H,
    layer: TimeoutLayer,
}

/// Configures [`Timeout`]. The default has no limits.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeoutLayer {
    send: Option<Duration>,
    recv: Option<Duration>,
}

impl<H> Timeout<H> {
    /// The same limit for sends and receives; [`TimeoutLayer`] tells them apart.
    #[must_use]
    pub fn new(inner: H, limit: Duration) -> Self {
        TimeoutLayer::new(limit).layer(inner)
    }

    /// The inner handler.
    #[must_use]
    pub fn inner(&self) -> &H {
        &self.inner
    }
}

impl TimeoutLayer {
    /// The same limit for sends and receives.
    #[must_use]
    pub const fn new(limit: Duration) -> Self {
        Self {
            send: Some(limit),
            recv: Some(limit),
        }
    }

    /// The limit for a send or a choice; for one to many roles, until the last has it.
    #[must_use]
    pub const fn send(mut self, limit: Duration) -> Self {
        self.send = Some(limit);
        self
    }

    /// The limit for a receive or an offer.
    #[must_use]
    pub const fn recv(mut self, limit: Duration) -> Self {
        self.recv = Some(limit);
        self
    }
}

impl<H: ChoreoHandler> Timeout<H> {
    fn send<'a>(
        &'a self,
        endpoint: &'a H::Endpoint,
        to: Recipients<'a, H::Role>,
        payload: Outgoing<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        let sent = to.send(&self.inner, endpoint, payload);
        let Some(limit) = self.layer.send else {
            return sent;
        };
        Box::pin(async move {
            let done = runtime::timeout(limit, sent).await;
            done.unwrap_or_else(|elapsed| {
                Err(Error::from(elapsed).at(Operation::sending(payload), to.to_string()))
            })
        })
    }
}

impl<H> Layer<H> for TimeoutLayer {
    type Service = Timeout<H>;

    fn layer(&self, inner: H) -> Timeout<H> {
        Timeout {
            inner,
            layer: *self,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<H: ChoreoHandler> ChoreoHandler for Timeout<H> {
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
            let received = self.inner.recv_payload(endpoint, from);
            let Some(limit) = self.layer.recv else {
                return received;
            };
            Box::pin(async move {
                let done = runtime::timeout(limit, received).await;
                done.unwrap_or_else(|elapsed| {
                    Err(Error::from(elapsed).at(Operation::Recv, from.name()))
                })
            })
        }
    }

    forward!(inner: abandon);
}

use choreo_core::runtime::Instant;
use choreo_core::{
    BoxFuture, ChoreoHandler, Error, Incoming, Layer, Operation, Outgoing, Recipients, Result,
    RoleId, RoleName, TypeTag, forward, handler_fn,
};
use tracing::{Instrument, Level, Span};

use crate::size::Size;
use crate::times;
use crate::watched::Watched;

/// Tells [`tracing`] about every operation, under the target `choreo`.
///
/// At its end each operation is one event: `role`, `peer`, `kind` (`send`, `recv`, `choose`,
/// `offer`, or `broadcast` to several peers), `type` or `label`, `bytes`, `elapsed`, and `error`
/// when it failed. Events of operations that went well are at `DEBUG`, the others at `WARN`.
/// While it runs, an operation is in a span `operation` at `DEBUG` (`role`, `peer`, `kind`), so
/// that what the layers inside and the transport have to say can be told apart.
///
/// When nobody listens to that target, an operation is passed on as it is and costs no more
/// than the call. When only warnings are listened to, no clock is read.
///
/// ```
/// use choreo_core::ChoreoHandlerExt;
/// use choreo_handler_inmemory::InMemoryNetwork;
/// use choreo_middleware::Trace;
///
/// # futures::executor::block_on(async {
/// let network = InMemoryNetwork::new();
/// let bob = network.join("Bob")?;
/// let alice = Trace::new(network.join("Alice")?, "Alice");
///
/// // DEBUG choreo: sent role="Alice" peer="Bob" kind="send" type="String" bytes=6 elapsed=1.2 ms
/// alice.send(&(), "Bob", &"hello").await?;
/// # bob.recv::<String>(&(), "Alice").await?;
/// # Ok::<(), choreo_core::Error>(()) }).unwrap();
/// ```
///
/// # Cancel safety
/// As the inner handler's. An operation that is dropped has a span, but no event.
#[derive(Clone, Debug)]
pub struct Trace<H> {
    inner: H,
    layer: TraceLayer,
}

/// Configures [`Trace`].
#[derive(Clone, Debug)]
pub struct TraceLayer {
    role: RoleName,
}

impl<H> Trace<H> {
    /// Traces `inner`, which plays the role of that name.
    #[must_use]
    pub fn new(inner: H, role: impl Into<RoleName>) -> Self {
        TraceLayer::new(role).layer(inner)
    }

    /// The inner handler.
    #[must_use]
    pub fn inner(&self) -> &H {
        &self.inner
    }
}

impl TraceLayer {
    /// Traces a handler that plays the role of that name.
    #[must_use]
    pub fn new(role: impl Into<RoleName>) -> Self {
        Self { role: role.into() }
    }

    fn start(&self, kind: &'static str, peer: String) -> Running<'_> {
        let role = self.role.as_str();
        let span = tracing::debug_span!(target: "choreo", "operation", role, peer, kind);
        Running {
            role,
            kind,
            peer,
            started: (!span.is_disabled()).then(Instant::now),
            span,
        }
    }
}

impl<H: ChoreoHandler> Trace<H> {
    fn send<'a>(
        &'a self,
        endpoint: &'a H::Endpoint,
        to: Recipients<'a, H::Role>,
        payload: Outgoing<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        if is_off() {
            return to.send(&self.inner, endpoint, payload);
        }
        Box::pin(async move {
            let kind = match to {
                Recipients::One(_) => Operation::sending(payload).name(),
                Recipients::All(_) => "broadcast",
            };
            let running = self.layer.start(kind, to.to_string());
            let watched = Watched::<Size>::of(payload);
            let sent = to.send(&self.inner, endpoint, watched.outgoing(payload));
            let sent = sent.instrument(running.span.clone()).await;
            running.sent(payload, watched.note().get(), &sent);
            sent
        })
    }
}

impl<H> Layer<H> for TraceLayer {
    type Service = Trace<H>;

    fn layer(&self, inner: H) -> Trace<H> {
        Trace {
            inner,
            layer: self.clone(),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<H: ChoreoHandler> ChoreoHandler for Trace<H> {
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
            if is_off() {
                return received;
            }
            Box::pin(async move {
                let running = self.layer.start(Operation::Recv.name(), from.name());
                let received = received.instrument(running.span.clone()).await;
                running.received(&received);
                received
            })
        }
    }

    forward!(inner: abandon);
}

fn is_off() -> bool {
    !tracing::enabled!(target: "choreo", Level::WARN)
}

/// An operation that is traced.
struct Running<'a> {
    role: &'a str,
    kind: &'static str,
    peer: String,
    started: Option<Instant>,
    span: Span,
}

impl Running<'_> {
    fn sent(self, payload: Outgoing<'_>, bytes: usize, sent: &Result<()>) {
        let (tag, label) = match payload {
            Outgoing::Message(message) => (Some(message.type_tag()), None),
            Outgoing::Label(label) => (None, Some(label)),
        };
        self.event("sent", tag, label, bytes, sent.as_ref().err());
    }

    fn received(mut self, received: &Result<Incoming>) {
        match received {
            Ok(Incoming::Message(message)) => {
                let bytes = message.bytes().len();
                self.event("received", Some(message.type_tag()), None, bytes, None);
            }
            Ok(Incoming::Label(label)) => {
                self.kind = Operation::Offer.name();
                let label = label.as_str();
                self.event("received", None, Some(label), label.len(), None);
            }
            Err(error) => self.event("received", None, None, 0, Some(error)),
        }
    }

    fn event(
        self,
        done: &'static str,
        tag: Option<TypeTag>,
        label: Option<&str>,
        bytes: usize,
        error: Option<&Error>,
    ) {
        let Self { role, kind, .. } = self;
        let peer = self.peer.as_str();
        let tag = tag.map(tracing::field::display);
        let elapsed = self
            .started
            .map(|started| times::in_words(started.elapsed()));
        let elapsed = elapsed.map(tracing::field::display);
        match error {
            None => tracing::debug!(
                target: "choreo", role, peer, kind, r#type = tag, label, bytes, elapsed, "{done}"
            ),
            Some(error) => tracing::warn!(
                target: "choreo", role, peer, kind, r#type = tag, label, elapsed,
                error = %error.detail(), "failed"
            ),
        }
    }
}

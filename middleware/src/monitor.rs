use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use choreo_core::{
    ChoreoHandler, Error, ErrorKind, Incoming, Layer, Operation, Outgoing, Result, RoleId, TypeTag,
    async_trait, forward,
};
use choreo_protocol::{Due, Local, Message, Position};

/// Holds every operation of one session against a role's part of a protocol: the first that is not
/// due is an error of kind [`Protocol`](ErrorKind::Protocol) that names what was due and what was
/// seen. A wrong send goes nowhere; a wrong payload of the peer does not reach the role.
///
/// A message is the one that is due if its type has the name of the message, or is the one type that
/// the message carries; any is if the name is `_`.
///
/// ```
/// use choreo_core::{ChoreoHandlerExt, ErrorKind};
/// use choreo_handler_inmemory::InMemoryNetwork;
/// use choreo_middleware::Monitor;
/// use choreo_protocol::{Global, Message, Step};
///
/// # futures::executor::block_on(async {
/// let order = Message::new("Order").carrying("u32");
/// let shop = Global::new("Shop")
///     .role("Buyer")
///     .role("Seller")
///     .then(Step::message("Buyer", "Seller", order));
///
/// let network = InMemoryNetwork::new();
/// let seller = network.join("Seller")?;
/// let buyer = Monitor::new(network.join("Buyer")?, shop.project("Buyer").expect("it is sound"));
///
/// let error = buyer.send(&(), "Seller", &"a book").await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Protocol);
/// buyer.send(&(), "Seller", &7_u32).await?;
/// assert_eq!(seller.recv::<u32>(&(), "Buyer").await?, 7);
/// assert!(buyer.is_over());
/// # Ok::<(), choreo_core::Error>(()) }).unwrap();
/// ```
///
/// # One session
/// It counts the steps of one session: wrap the handler of each in its own. Inside of
/// [`Retry`](https://docs.rs/choreo-middleware/latest/choreo_middleware/struct.Retry.html) a send
/// that was not sent is due again.
///
/// # Cancel safety
/// As the inner handler's. A send that is dropped counts as sent.
#[derive(Debug)]
pub struct Monitor<H> {
    inner: H,
    position: Mutex<Position>,
}

/// Configures [`Monitor`]: with a role's part.
#[derive(Clone, Debug)]
pub struct MonitorLayer {
    local: Arc<Local>,
}

impl MonitorLayer {
    /// Holds a role to this part.
    #[must_use]
    pub fn new(local: impl Into<Arc<Local>>) -> Self {
        let local = local.into();
        Self { local }
    }
}

impl<H> Layer<H> for MonitorLayer {
    type Service = Monitor<H>;

    fn layer(&self, inner: H) -> Monitor<H> {
        Monitor::new(inner, self.local.clone())
    }
}

impl<H> Monitor<H> {
    /// Holds the role of this handler to this part.
    #[must_use]
    pub fn new(inner: H, local: impl Into<Arc<Local>>) -> Self {
        Self {
            inner,
            position: Mutex::new(Position::new(local)),
        }
    }

    /// The inner handler.
    #[must_use]
    pub fn inner(&self) -> &H {
        &self.inner
    }

    /// Whether the role has played its part.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.position().is_over()
    }

    /// Where the role stands.
    fn position(&self) -> MutexGuard<'_, Position> {
        self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The role sends: where it stood before and where it does now, or why that is not due.
    fn sends<R: RoleId>(&self, to: &[R], payload: Outgoing<'_>) -> Result<[Position; 2]> {
        let mut position = self.position();
        let before = position.clone();
        for role in to {
            let name = role.name();
            let sent = match payload {
                Outgoing::Message(message) => position.send(&name, is(message.type_tag())),
                Outgoing::Label(label) => position.choose(&name, label),
            };
            if let Err(due) = sent {
                *position = before;
                let seen = match payload {
                    Outgoing::Message(message) => format!("to send {}", message.type_tag()),
                    Outgoing::Label(label) => format!("to tell of {label}"),
                };
                let error = deviation(position.local(), &due, &seen);
                return Err(error.at(Operation::sending(payload), name));
            }
        }
        Ok([before, position.clone()])
    }

    /// A send that was provably not sent is due again.
    fn sent(&self, [before, after]: &[Position; 2], sent: Result<()>) -> Result<()> {
        if sent.as_ref().is_err_and(Error::is_transient) {
            self.position().take_back(before, after);
        }
        sent
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<H: ChoreoHandler> ChoreoHandler for Monitor<H> {
    type Role = H::Role;
    type Endpoint = H::Endpoint;

    async fn send_payload(
        &self,
        endpoint: &Self::Endpoint,
        to: &Self::Role,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let step = self.sends(std::slice::from_ref(to), payload)?;
        let sent = self.inner.send_payload(endpoint, to, payload).await;
        self.sent(&step, sent)
    }

    async fn recv_payload(&self, endpoint: &Self::Endpoint, from: &Self::Role) -> Result<Incoming> {
        let name = from.name();
        let wrong = |position: &Position, due: &Due, seen: &str| {
            deviation(position.local(), due, seen).at(Operation::Recv, name.as_str())
        };
        {
            let position = self.position();
            if let Err(due) = position.may_receive(&name) {
                return Err(wrong(&position, &due, "to receive"));
            }
        }
        let received = self.inner.recv_payload(endpoint, from).await?;
        let mut position = self.position();
        let due = match &received {
            Incoming::Message(message) => position.recv(&name, is(message.type_tag())),
            Incoming::Label(label) => position.offer(&name, label.as_str()),
        };
        if let Err(due) = due {
            let seen = match &received {
                Incoming::Message(message) => format!("the peer has sent {}", message.type_tag()),
                Incoming::Label(label) => format!("the peer has told of {label}"),
            };
            return Err(wrong(&position, &due, &seen));
        }
        Ok(received)
    }

    async fn send_to_all(
        &self,
        endpoint: &Self::Endpoint,
        to: &[Self::Role],
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let step = self.sends(to, payload)?;
        let sent = self.inner.send_to_all(endpoint, to, payload).await;
        self.sent(&step, sent)
    }

    forward!(inner: abandon);
}

/// Whether a message of the protocol is one of that type.
fn is(tag: TypeTag) -> impl Fn(&Message) -> bool {
    move |message| {
        let carried = match message.carries.as_slice() {
            [one] => TypeTag::named(one) == tag,
            _ => false,
        };
        carried || message.name == "_" || TypeTag::named(&message.name) == tag
    }
}

fn deviation(local: &Local, due: &Due, seen: &str) -> Error {
    let detail = format!("`{}` leaves its protocol: {due}; seen: {seen}", local.role);
    Error::new(ErrorKind::Protocol, detail)
}

use std::fmt;
use std::slice;
use std::sync::Arc;

use choreo_core::{
    Error, ErrorKind, Incoming, Label, LabelId, Message, Operation, Recipients, Result, TypeTag,
};
use serde::de::DeserializeOwned;

use super::ticket::Ticket;

/// An operation of a role, as a service takes it: what, with whom. Cheap to clone, so that tower's
/// `Retry` can keep one.
///
/// Made by hand for a [`HandlerService`](super::HandlerService). Under a
/// [`TowerLayer`](super::TowerLayer) it stands for the call that the layers may hold up, refuse or
/// repeat; the payload itself stays where it is.
///
/// ```
/// use choreo_core::{Operation, TypeTag};
/// use choreo_middleware::tower::Request;
///
/// let request = Request::send("Bob", "hello".to_owned());
/// assert_eq!(request.operation(), Operation::Send);
/// assert_eq!(request.peers(), ["Bob"]);
/// assert_eq!(request.type_tag(), Some(TypeTag::of::<String>()));
/// ```
#[derive(Clone)]
pub struct Request<R> {
    operation: Operation,
    peers: Peers<R>,
    type_tag: Option<TypeTag>,
    body: Body,
}

/// What a service answers to a [`Request`].
///
/// ```
/// use choreo_core::{Codec, Outgoing};
/// use choreo_middleware::tower::Reply;
///
/// let came = Outgoing::Message(&7_u32).to_incoming(Codec::default())?;
/// assert_eq!(Reply::Received(came).message::<u32>()?, 7);
/// assert!(Reply::Sent.message::<u32>().is_err());
/// # Ok::<(), choreo_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The message or label is handed over.
    Sent,
    /// A message or label has come.
    Received(Incoming),
}

#[derive(Clone)]
enum Peers<R> {
    One(R),
    All(Arc<[R]>),
}

/// What there is to send.
#[derive(Clone)]
pub(super) enum Body {
    Message(Arc<dyn Message>),
    Label(Label),
    /// It is a receive.
    Nothing,
    /// The call that runs the operation itself, when it is told to.
    Ticket(Arc<Ticket>),
}

impl<R> Request<R> {
    /// Sends a message to a role.
    pub fn send<M: Message + 'static>(to: R, message: M) -> Self {
        Self::message(Peers::One(to), message)
    }

    /// Sends a message to many roles.
    pub fn broadcast<M: Message + 'static>(to: impl Into<Arc<[R]>>, message: M) -> Self {
        Self::message(Peers::All(to.into()), message)
    }

    /// Tells a role which alternative was chosen.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "as `ChoreoHandlerExt::choose`"
    )]
    pub fn choose<L: LabelId>(to: R, label: L) -> Self {
        Self::label(Peers::One(to), label.name())
    }

    /// Tells many roles which alternative was chosen.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "as `ChoreoHandlerExt::choose`"
    )]
    pub fn choose_for_all<L: LabelId>(to: impl Into<Arc<[R]>>, label: L) -> Self {
        Self::label(Peers::All(to.into()), label.name())
    }

    /// Receives the next message or label from a role.
    pub fn recv(from: R) -> Self {
        Self {
            operation: Operation::Recv,
            peers: Peers::One(from),
            type_tag: None,
            body: Body::Nothing,
        }
    }

    /// What is to be done. A label that is due is an [`Operation::Recv`], too: what comes is only
    /// known when it is there.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// With whom.
    pub fn peers(&self) -> &[R] {
        match &self.peers {
            Peers::One(role) => slice::from_ref(role),
            Peers::All(roles) => roles,
        }
    }

    /// The type of the message that goes out; `None` for a label and a receive.
    pub fn type_tag(&self) -> Option<TypeTag> {
        self.type_tag
    }

    /// The request that stands for a call of a handler.
    pub(super) fn of_call(
        operation: Operation,
        peers: Recipients<'_, R>,
        type_tag: Option<TypeTag>,
        ticket: Arc<Ticket>,
    ) -> Self
    where
        R: Clone,
    {
        let peers = match peers {
            Recipients::One(role) => Peers::One(role.clone()),
            Recipients::All(roles) => Peers::All(roles.into()),
        };
        Self {
            operation,
            peers,
            type_tag,
            body: Body::Ticket(ticket),
        }
    }

    pub(super) fn recipients(&self) -> Recipients<'_, R> {
        match &self.peers {
            Peers::One(role) => Recipients::One(role),
            Peers::All(roles) => Recipients::All(roles),
        }
    }

    pub(super) fn body(&self) -> &Body {
        &self.body
    }

    fn message<M: Message + 'static>(peers: Peers<R>, message: M) -> Self {
        Self {
            operation: Operation::Send,
            peers,
            type_tag: Some(message.type_tag()),
            body: Body::Message(Arc::new(message)),
        }
    }

    fn label(peers: Peers<R>, label: &str) -> Self {
        Self {
            operation: Operation::Choose,
            peers,
            type_tag: None,
            body: Body::Label(Label::from(label.to_owned())),
        }
    }
}

impl<R: fmt::Debug> fmt::Debug for Request<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("operation", &self.operation)
            .field("peers", &self.peers())
            .field("type_tag", &self.type_tag)
            .finish_non_exhaustive()
    }
}

impl Reply {
    /// The message that has come.
    ///
    /// # Errors
    /// [`Protocol`](ErrorKind::Protocol) when nothing, a label or a message of another type has
    /// come, [`Decode`](ErrorKind::Decode) when the bytes are no `M`.
    pub fn message<M: DeserializeOwned>(self) -> Result<M> {
        self.into_incoming()?.into_message()?.decode()
    }

    /// The label that has come.
    ///
    /// # Errors
    /// [`Protocol`](ErrorKind::Protocol) when nothing or a message has come.
    pub fn label(self) -> Result<Label> {
        self.into_incoming()?.into_label()
    }

    /// What has come.
    ///
    /// # Errors
    /// [`Protocol`](ErrorKind::Protocol) when nothing has: the request was to send.
    pub fn into_incoming(self) -> Result<Incoming> {
        match self {
            Self::Received(payload) => Ok(payload),
            Self::Sent => Err(Error::new(
                ErrorKind::Protocol,
                "expected what a receive gives, found the reply to a send",
            )),
        }
    }
}

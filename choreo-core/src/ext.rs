use std::future::Future;

use serde::de::DeserializeOwned;

use crate::error::list;
use crate::{
    Bound, ChoreoHandler, Error, ErrorKind, Incoming, LabelId, Layer, Message, Operation, Outgoing,
    Result, RoleId,
};

/// The typed calls on every handler: layered, boxed or bare.
///
/// ```
/// use choreo_core::{ChoreoHandler, ChoreoHandlerExt, Result, labels};
/// # #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
/// # enum Role { Buyer, Seller }
///
/// labels! {
///     enum Decision { Accept, Reject }
/// }
///
/// async fn buyer<H>(handler: &H, endpoint: &H::Endpoint) -> Result<()>
/// where
///     H: ChoreoHandler<Role = Role> + ?Sized,
/// {
///     handler.send(endpoint, Role::Seller, &"a book").await?;
///     let price: u32 = handler.recv(endpoint, Role::Seller).await?;
///     let decision = if price < 100 { Decision::Accept } else { Decision::Reject };
///     handler.choose(endpoint, Role::Seller, decision).await
/// }
///
/// async fn seller<H>(handler: &H, endpoint: &H::Endpoint) -> Result<Decision>
/// where
///     H: ChoreoHandler<Role = Role> + ?Sized,
/// {
///     let _title: String = handler.recv(endpoint, Role::Buyer).await?;
///     handler.send(endpoint, Role::Buyer, &80_u32).await?;
///     handler.offer(endpoint, Role::Buyer).await
/// }
/// ```
pub trait ChoreoHandlerExt: ChoreoHandler {
    /// Sends a message to a role.
    ///
    /// # Errors
    /// As [`send_payload`](ChoreoHandler::send_payload).
    ///
    /// # Cancel safety
    /// As [`send_payload`](ChoreoHandler::send_payload).
    fn send<'a, M: Message>(
        &'a self,
        endpoint: &'a Self::Endpoint,
        to: Self::Role,
        message: &'a M,
    ) -> impl Future<Output = Result<()>> + Send + 'a {
        async move {
            self.send_payload(endpoint, &to, Outgoing::Message(message))
                .await
                .map_err(|error| locate(error, Operation::Send, &to))
        }
    }

    /// Receives a message from a role, waiting for it.
    ///
    /// # Errors
    /// As [`recv_payload`](ChoreoHandler::recv_payload); [`Protocol`](ErrorKind::Protocol) when
    /// a label or a message of another type comes, [`Decode`](ErrorKind::Decode) when the bytes
    /// are no `M`. What came is then used up, and the next receive gets the next payload.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    fn recv<'a, M: DeserializeOwned>(
        &'a self,
        endpoint: &'a Self::Endpoint,
        from: Self::Role,
    ) -> impl Future<Output = Result<M>> + Send + 'a {
        async move {
            received(self.recv_payload(endpoint, &from).await)
                .map_err(|error| locate(error, Operation::Recv, &from))
        }
    }

    /// Tells a role which alternative this role has chosen.
    ///
    /// # Errors
    /// As [`send_payload`](ChoreoHandler::send_payload).
    ///
    /// # Cancel safety
    /// As [`send_payload`](ChoreoHandler::send_payload).
    fn choose<'a, L: LabelId + 'a>(
        &'a self,
        endpoint: &'a Self::Endpoint,
        to: Self::Role,
        label: L,
    ) -> impl Future<Output = Result<()>> + Send + 'a {
        async move {
            self.send_payload(endpoint, &to, Outgoing::Label(label.name()))
                .await
                .map_err(|error| locate(error, Operation::Choose, &to))
        }
    }

    /// Learns which alternative a role has chosen, waiting for it.
    ///
    /// # Errors
    /// As [`recv_payload`](ChoreoHandler::recv_payload); [`Protocol`](ErrorKind::Protocol) when
    /// a message comes, [`UnknownLabel`](ErrorKind::UnknownLabel) when the label is none of `L`.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    fn offer<'a, L: LabelId>(
        &'a self,
        endpoint: &'a Self::Endpoint,
        from: Self::Role,
    ) -> impl Future<Output = Result<L>> + Send + 'a {
        async move {
            offered(self.recv_payload(endpoint, &from).await)
                .map_err(|error| locate(error, Operation::Offer, &from))
        }
    }

    /// Sends one message to many roles.
    ///
    /// # Errors
    /// As [`send_to_all`](ChoreoHandler::send_to_all).
    ///
    /// # Cancel safety
    /// As [`send_to_all`](ChoreoHandler::send_to_all).
    fn broadcast<'a, M: Message>(
        &'a self,
        endpoint: &'a Self::Endpoint,
        to: &'a [Self::Role],
        message: &'a M,
    ) -> impl Future<Output = Result<()>> + Send + 'a {
        self.send_to_all(endpoint, to, Outgoing::Message(message))
    }

    /// Tells many roles which alternative this role has chosen.
    ///
    /// # Errors
    /// As [`send_to_all`](ChoreoHandler::send_to_all).
    ///
    /// # Cancel safety
    /// As [`send_to_all`](ChoreoHandler::send_to_all).
    fn choose_for_all<'a, L: LabelId + 'a>(
        &'a self,
        endpoint: &'a Self::Endpoint,
        to: &'a [Self::Role],
        label: L,
    ) -> impl Future<Output = Result<()>> + Send + 'a {
        async move {
            self.send_to_all(endpoint, to, Outgoing::Label(label.name()))
                .await
        }
    }

    /// Wraps this handler in a layer, which then is the outermost: `handler.layer(retry).layer(trace)`
    /// is a `Trace<Retry<H>>`, where a call meets `Trace` first.
    ///
    /// `tower::ServiceBuilder` reads the other way: its first layer is the outermost.
    fn layer<L: Layer<Self>>(self, layer: L) -> L::Service
    where
        Self: Sized,
    {
        layer.layer(self)
    }

    /// Boxes this handler, so that stacks of different types have one: for `Endpoint = ()`, a
    /// [`BoxHandler`](crate::BoxHandler).
    fn boxed(self) -> Box<dyn ChoreoHandler<Role = Self::Role, Endpoint = Self::Endpoint>>
    where
        Self: Sized + 'static,
    {
        Box::new(self)
    }

    /// Joins this handler with an endpoint, so that it needs none: every handler can thus become
    /// a [`BoxHandler`](crate::BoxHandler).
    fn bind(self, endpoint: Self::Endpoint) -> Bound<Self>
    where
        Self: Sized,
    {
        Bound::new(self, endpoint)
    }
}

impl<H: ChoreoHandler + ?Sized> ChoreoHandlerExt for H {}

/// The message that a receive gave.
pub(crate) fn received<M: DeserializeOwned>(payload: Result<Incoming>) -> Result<M> {
    payload?.into_message()?.decode()
}

/// The label that a receive gave.
pub(crate) fn offered<L: LabelId>(payload: Result<Incoming>) -> Result<L> {
    L::from_name(payload?.into_label()?)
        .map_err(|label| unknown_label(label.as_str(), L::NAMES.unwrap_or_default()))
}

fn locate(error: Error, operation: Operation, peer: &impl RoleId) -> Error {
    error.at(operation, peer.name())
}

/// The error for a label that is none of those expected.
pub(crate) fn unknown_label(found: &str, expected: &[&str]) -> Error {
    Error::new(
        ErrorKind::UnknownLabel,
        format!(
            "the label `{found}` is none of the expected: {}",
            list(expected)
        ),
    )
}

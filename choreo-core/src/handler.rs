use std::sync::Arc;

use async_trait::async_trait;

use crate::{Incoming, Outgoing, Result, RoleId};

/// Speaks roles: how one role of a protocol sends to and receives from the others.
///
/// Handlers implement it, layers wrap it, programs run over it. It is object-safe: a stack may be
/// a type (`Trace<Retry<InMemoryHandler<Role>>>`) or a box chosen at run time
/// ([`BoxHandler`](crate::BoxHandler)). For calls by hand there is
/// [`ChoreoHandlerExt`](crate::ChoreoHandlerExt), which every handler has.
///
/// # The contract
/// - Per ordered pair of roles, payloads arrive once and in the order in which they were sent.
/// - A receive before the send waits. A peer that has left is an error of kind
///   [`Closed`](crate::ErrorKind::Closed), after everything that it had sent was received.
/// - **Cancel safety:** dropping a receive's future loses nothing, the next receive gets the
///   payload. Dropping a send's future sends the payload either wholly or not at all.
/// - An error leaves the endpoint usable, unless it is `Closed`.
/// - [`is_transient`](crate::Error::is_transient) errors come from sends only, and only when the
///   payload provably was not sent.
/// - Every queue is bounded; a full one makes the send wait.
/// - Waiting for one peer never blocks an operation with another.
///
/// `choreo-testkit` turns each of these into a test, for any handler, in one line.
///
/// # A whole handler
/// Two roles over a pair of queues of frames:
///
/// ```
/// use choreo_core::*;
/// use futures::{SinkExt, StreamExt, channel::mpsc, lock::Mutex};
///
/// struct PipeHandler {
///     to: Mutex<mpsc::Sender<Bytes>>,
///     from: Mutex<mpsc::Receiver<Bytes>>,
/// }
///
/// fn pipe() -> (PipeHandler, PipeHandler) {
///     let (to_right, from_left) = mpsc::channel(16);
///     let (to_left, from_right) = mpsc::channel(16);
///     (
///         PipeHandler { to: Mutex::new(to_right), from: Mutex::new(from_right) },
///         PipeHandler { to: Mutex::new(to_left), from: Mutex::new(from_left) },
///     )
/// }
///
/// #[async_trait]
/// impl ChoreoHandler for PipeHandler {
///     type Role = RoleName;
///     type Endpoint = ();
///
///     async fn send_payload(&self, _: &(), _to: &RoleName, payload: Outgoing<'_>) -> Result<()> {
///         let frame = payload.to_frame(Codec::default())?;
///         let closed = |_| Error::new(ErrorKind::Closed, "the other end of the pipe is gone");
///         self.to.lock().await.send(frame).await.map_err(closed)
///     }
///
///     async fn recv_payload(&self, _: &(), _from: &RoleName) -> Result<Incoming> {
///         match self.from.lock().await.next().await {
///             Some(frame) => Incoming::from_frame(frame),
///             None => Err(Error::new(ErrorKind::Closed, "the other end of the pipe is gone")),
///         }
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let (alice, bob) = pipe();
/// alice.send(&(), RoleName::from("Bob"), &42_u32).await?;
/// assert_eq!(bob.recv::<u32>(&(), RoleName::from("Alice")).await?, 42);
/// # Ok::<(), Error>(()) }).unwrap();
/// ```
#[async_trait]
pub trait ChoreoHandler: Send + Sync {
    /// The participants.
    type Role: RoleId;

    /// State of one session, such as connections; `()` where there is none.
    type Endpoint: Send + Sync;

    /// Sends a message or a label to a role. Returns when it is handed over, not when it is read.
    ///
    /// # Errors
    /// When the payload does not serialise, the role is unknown or gone, or the transport fails.
    ///
    /// # Cancel safety
    /// The payload is sent wholly or not at all.
    async fn send_payload(
        &self,
        endpoint: &Self::Endpoint,
        to: &Self::Role,
        payload: Outgoing<'_>,
    ) -> Result<()>;

    /// Receives the next message or label from a role, waiting for it.
    ///
    /// # Errors
    /// When the role is unknown, or gone and everything it sent was received, or the transport
    /// fails. A payload that cannot be read is an error once; the next receive gets the next one.
    ///
    /// # Cancel safety
    /// Nothing is lost: the next receive gets the payload.
    async fn recv_payload(&self, endpoint: &Self::Endpoint, from: &Self::Role) -> Result<Incoming>;

    /// Sends one payload to many roles, by default one after the other in the given order.
    ///
    /// Every layer forwards it, since a handler may have a better way.
    ///
    /// # Errors
    /// As [`send_payload`](Self::send_payload), at the first role that fails; the roles before it
    /// have the payload. The error is transient only when no role has it.
    ///
    /// # Cancel safety
    /// Some roles may have the payload and others not.
    async fn send_to_all(
        &self,
        endpoint: &Self::Endpoint,
        to: &[Self::Role],
        payload: Outgoing<'_>,
    ) -> Result<()> {
        for (sent, role) in to.iter().enumerate() {
            if let Err(error) = self.send_payload(endpoint, role, payload).await {
                return Err(if sent == 0 { error } else { error.permanent() });
            }
        }
        Ok(())
    }

    /// Stops in the middle of a protocol: after what it has sent, these roles find that this one is
    /// gone, an error of kind [`Closed`](crate::ErrorKind::Closed), rather than wait for ever. What
    /// they have sent can still be received.
    ///
    /// Every layer forwards it. Provided: nothing happens, and the others learn of it when the handler
    /// or the endpoint is dropped.
    fn abandon(&self, endpoint: &Self::Endpoint, others: &[Self::Role]) {
        let _ = (endpoint, others);
    }
}

/// Object safety is part of the contract.
const _: fn(&dyn ChoreoHandler<Role = crate::RoleName, Endpoint = ()>) = |_| {};

macro_rules! by_reference {
    ($($pointer:ty),+) => {$(
        #[deny(clippy::missing_trait_methods)]
        impl<H: ChoreoHandler + ?Sized> ChoreoHandler for $pointer {
            type Role = H::Role;
            type Endpoint = H::Endpoint;

            crate::handler_fn! {
                fn send_payload(self, endpoint, to, payload) {
                    (**self).send_payload(endpoint, to, payload)
                }
                fn recv_payload(self, endpoint, from) {
                    (**self).recv_payload(endpoint, from)
                }
                fn send_to_all(self, endpoint, to, payload) {
                    (**self).send_to_all(endpoint, to, payload)
                }
            }

            fn abandon(&self, endpoint: &Self::Endpoint, others: &[Self::Role]) {
                (**self).abandon(endpoint, others);
            }
        }
    )+};
}

by_reference!(Box<H>, Arc<H>, &H);

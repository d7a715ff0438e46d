use std::fmt;
use std::marker::PhantomData;
use std::task::Poll;

use choreo_core::{
    Bytes, ChoreoHandler, Error, ErrorKind, Incoming, Operation, Outgoing, Result, RoleId,
    Transport, async_trait,
};

use futures::FutureExt;
use futures::future::{BoxFuture, Either};

use crate::{RumpsteakEndpoint, RumpsteakSession};

/// Plays a role over a session with each peer: a channel, a sink and a stream, any transport.
///
/// It holds nothing itself. All state is in the [`RumpsteakEndpoint`], so one handler (or one
/// stack of layers over it) serves any number of roles and sessions at once.
/// [`bind`](choreo_core::ChoreoHandlerExt::bind) joins the two where an endpoint is one too many.
///
/// # Cancel safety
/// A receive that is dropped loses nothing. A send that is dropped sends the payload wholly or not
/// at all, as the transport promises.
pub struct RumpsteakHandler<R> {
    roles: PhantomData<fn() -> R>,
}

impl<R: RoleId> RumpsteakHandler<R> {
    /// The handler.
    #[must_use]
    pub fn new() -> Self {
        Self { roles: PhantomData }
    }
}

#[async_trait]
impl<R: RoleId> ChoreoHandler for RumpsteakHandler<R> {
    type Role = R;
    type Endpoint = RumpsteakEndpoint<R>;

    async fn send_payload(
        &self,
        endpoint: &RumpsteakEndpoint<R>,
        to: &R,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let sent = match try_send(endpoint, to, payload) {
            // Most sends find room; only one that does not needs a future that can wait, boxed lest
            // all others carry it.
            Ok(Some((session, frame))) => {
                let waiting: BoxFuture<'_, _> = Box::pin(session.send_frame(frame));
                waiting.await
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        sent.map_err(|error| located(error, endpoint, Operation::sending(payload), to))
    }

    async fn recv_payload(&self, endpoint: &RumpsteakEndpoint<R>, from: &R) -> Result<Incoming> {
        let received = match endpoint.with_session(from, try_recv) {
            // Of a stream, most are there already; only one that is not needs a future that can
            // wait.
            Ok(Either::Left(received)) => Ok(received),
            Ok(Either::Right(session)) => session.recv_frame().await,
            Err(error) => Err(error),
        };
        let failed = match received {
            Ok(Some(frame)) => match Incoming::from_frame_with(frame, endpoint.codec()) {
                Ok(payload) => return Ok(payload),
                Err(error) => error,
            },
            Ok(None) => Error::new(
                ErrorKind::Closed,
                "the peer has closed the session, or was dropped",
            ),
            Err(error) => error,
        };
        Err(located(failed, endpoint, Operation::Recv, from))
    }

    /// Encodes the payload once. When one of the roles is not registered, nobody gets it.
    async fn send_to_all(
        &self,
        endpoint: &RumpsteakEndpoint<R>,
        to: &[R],
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let operation = Operation::sending(payload);
        let at = |role| move |error| located(error, endpoint, operation, role);
        let [first, ..] = to else { return Ok(()) };
        let frame = payload.to_frame(endpoint.codec()).map_err(at(first))?;
        let mut sessions = Vec::with_capacity(to.len());
        for role in to {
            sessions.push(endpoint.registered(role).map_err(at(role))?);
        }
        for (sent, (role, session)) in to.iter().zip(sessions).enumerate() {
            let sending = session.send_frame(frame.clone()).await;
            sending.map_err(at(role)).map_err(|error| match sent {
                0 => error,
                _ => error.permanent(),
            })?;
        }
        Ok(())
    }

    fn abandon(&self, endpoint: &RumpsteakEndpoint<R>, others: &[R]) {
        for other in others {
            // Who is not there learns nothing. A close has begun once it was polled.
            if let Ok(session) = endpoint.registered(other) {
                let _ = session.close().now_or_never();
            }
        }
    }
}

impl<R: RoleId> Default for RumpsteakHandler<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> Clone for RumpsteakHandler<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for RumpsteakHandler<R> {}

impl<R> fmt::Debug for RumpsteakHandler<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RumpsteakHandler")
    }
}

/// Sends at once, or gives what it takes to wait.
fn try_send<R: RoleId>(
    endpoint: &RumpsteakEndpoint<R>,
    to: &R,
    payload: Outgoing<'_>,
) -> Result<Option<(RumpsteakSession, Bytes)>> {
    let frame = payload.to_frame(endpoint.codec())?;
    endpoint.with_session(to, |session| session.try_send_frame(frame))
}

/// Receives what is there, or gives what it takes to wait.
fn try_recv(session: &RumpsteakSession) -> Result<Either<Option<Bytes>, RumpsteakSession>> {
    match session.try_recv_frame() {
        Poll::Ready(received) => received.map(Either::Left),
        Poll::Pending => Ok(Either::Right(session.clone())),
    }
}

fn located<R: RoleId>(
    error: Error,
    endpoint: &RumpsteakEndpoint<R>,
    operation: Operation,
    peer: &R,
) -> Error {
    error
        .with_role(endpoint.role().name())
        .at(operation, peer.name())
}

use std::sync::Arc;

use crate::session::{Session, SessionConfig};
use crate::{
    Bound, Cast, ChoreoHandler, ChoreoHandlerExt, Codec, Connect, ProtocolRole, Result, RoleId,
    RumpsteakEndpoint, RumpsteakHandler, forward,
};

/// Where the roles of one session meet over a network: what
/// [`InMemoryNetwork`](crate::InMemoryNetwork) is within a process.
///
/// It goes by a connector, to a relay or to the one role that the others call, and the name of the
/// session. Clones are the same meeting.
///
/// ```
/// use choreo::prelude::*;
/// use choreo::{Connect, ProtocolRole};
///
/// async fn greet<R: ProtocolRole>(connect: impl Connect + 'static, me: R, you: R) -> Result<String> {
///     let meeting = Meeting::new(connect, "game-7");
///     let seat = meeting.join(me).await?;
///     seat.send(&(), you, &"hello").await?;
///     let answer = seat.recv(&(), you).await?;
///     seat.close().await?;
///     Ok(answer)
/// }
/// ```
///
/// Where a ticket is asked for, or limits are to be others, [`Seat::new`] takes a session that was
/// joined by hand.
#[derive(Clone)]
pub struct Meeting {
    connect: Arc<dyn Connect>,
    session: Arc<str>,
    codec: Codec,
}

impl Meeting {
    /// The session of that name, by that way.
    pub fn new(connect: impl Connect + 'static, session: impl Into<Arc<str>>) -> Self {
        Self {
            connect: Arc::new(connect),
            session: session.into(),
            codec: Codec::default(),
        }
    }

    /// With another codec than postcard, which all roles are to have.
    #[must_use]
    pub fn with_codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// The seat that plays `role`, with all other roles of its protocol as peers, which are let in
    /// only if they speak the same protocol.
    ///
    /// # Errors
    /// As [`Session::join`].
    ///
    /// # Panics
    /// Natively outside of a tokio runtime.
    ///
    /// # Cancel safety
    /// A session that is not handed out is closed.
    pub async fn join<R: ProtocolRole>(&self, role: R) -> Result<Seat<R>> {
        let config = SessionConfig::playing(&*self.session, role);
        let session = Session::join(Arc::clone(&self.connect), config).await?;
        Ok(Seat::new(role, session)?.with_codec(self.codec))
    }

    /// The seat that plays `role` in a protocol with families of roles: those of the cast are let
    /// in, if theirs has as many.
    ///
    /// # Errors
    /// As [`Session::join`].
    ///
    /// # Panics
    /// Natively outside of a tokio runtime.
    ///
    /// # Cancel safety
    /// A session that is not handed out is closed.
    pub async fn join_with<R: RoleId>(&self, role: R, cast: &Cast<R>) -> Result<Seat<R>> {
        let others = cast.others(&role).to_vec();
        let config = SessionConfig::new(&*self.session, role.clone(), others.clone())
            .with_fingerprint(cast.fingerprint());
        let session = Session::join(Arc::clone(&self.connect), config).await?;
        Ok(Seat::with(role, others, session)?.with_codec(self.codec))
    }
}

/// One role's handler over a [`Session`]. It has no endpoint: `()` will do.
///
/// Dropped, it closes the session in the background; a program that ends wants
/// [`close`](Self::close), which waits until all that was sent has arrived.
pub struct Seat<R: RoleId> {
    handler: Bound<RumpsteakHandler<R>>,
    session: Session,
}

impl<R: ProtocolRole> Seat<R> {
    /// The seat of a role in a session that it has joined.
    ///
    /// # Errors
    /// [`UnknownRole`](crate::ErrorKind::UnknownRole) if one of the other roles is no peer in it.
    pub fn new(role: R, session: Session) -> Result<Self> {
        Self::with(role, role.others().collect(), session)
    }
}

impl<R: RoleId> Seat<R> {
    fn with(role: R, others: Vec<R>, session: Session) -> Result<Self> {
        let endpoint = RumpsteakEndpoint::new(role);
        endpoint.register_transports(session.transports(others)?);
        let handler = RumpsteakHandler::new().bind(endpoint);
        Ok(Self { handler, session })
    }

    /// Sends in another codec than postcard. It receives in that one and in postcard: all roles are
    /// to have the same.
    #[must_use]
    pub fn with_codec(self, codec: Codec) -> Self {
        let (handler, endpoint) = self.handler.into_parts();
        Self {
            handler: handler.bind(endpoint.with_codec(codec)),
            session: self.session,
        }
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Leaves, once everything has arrived.
    ///
    /// # Errors
    /// As [`Session::close`].
    ///
    /// # Cancel safety
    /// Closing goes on in the background.
    pub async fn close(self) -> Result<()> {
        self.session.close().await
    }
}

#[deny(clippy::missing_trait_methods)]
impl<R: RoleId> ChoreoHandler for Seat<R> {
    type Role = R;
    type Endpoint = ();

    forward!(handler: send_payload, recv_payload, send_to_all, abandon);
}

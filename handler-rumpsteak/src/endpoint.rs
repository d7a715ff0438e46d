use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use choreo_core::{Codec, Error, ErrorKind, PeerMap, Result, RoleId, Transport};
use futures::future::join_all;

use crate::{RumpsteakSession, SessionMetadata, SimpleChannel};

/// One role's ways to its peers: a session for each.
///
/// ```
/// use choreo_core::ChoreoHandlerExt;
/// use choreo_handler_rumpsteak::{RumpsteakEndpoint, RumpsteakHandler, SimpleChannel};
///
/// #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
/// enum Role { Alice, Bob }
///
/// # futures::executor::block_on(async {
/// let (alice, bob) = (RumpsteakEndpoint::new(Role::Alice), RumpsteakEndpoint::new(Role::Bob));
/// let (to_bob, to_alice) = SimpleChannel::pair();
/// alice.register_channel(Role::Bob, to_bob);
/// bob.register_channel(Role::Alice, to_alice);
///
/// let handler = RumpsteakHandler::new();
/// handler.send(&alice, Role::Bob, &42_u32).await?;
/// assert_eq!(handler.recv::<u32>(&bob, Role::Alice).await?, 42);
///
/// assert_eq!(alice.metadata(&Role::Bob).unwrap().sent, 1);
/// alice.close().await?;
/// assert!(handler.recv::<u32>(&bob, Role::Alice).await.is_err());
/// # Ok::<(), choreo_core::Error>(()) }).unwrap();
/// ```
///
/// Peers may be registered at any time, also while operations with others are under way. An
/// operation with a peer that is not registered is an error that names those that are.
///
/// Dropping the endpoint drops its sessions: the peers receive what was sent, as far as it has left
/// this process, and then learn that the role is gone. [`close`](Self::close) waits until all of it
/// has left.
pub struct RumpsteakEndpoint<R> {
    role: R,
    codec: Codec,
    peers: PeerMap<R, Mutex<Option<RumpsteakSession>>>,
}

impl<R: RoleId> RumpsteakEndpoint<R> {
    /// The endpoint of a role that has no peers yet.
    #[must_use]
    pub fn new(role: R) -> Self {
        Self {
            role,
            codec: Codec::default(),
            peers: PeerMap::new(),
        }
    }

    /// Sends in another codec than postcard, to all peers. It receives in that one and in postcard:
    /// a peer that is to read it has the same.
    #[must_use]
    pub fn with_codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// Registers one end of a channel as the way to a peer. In all else as
    /// [`register_session`](Self::register_session).
    pub fn register_channel(&self, peer: R, channel: SimpleChannel) -> Option<RumpsteakSession> {
        self.register_session(peer, channel.into())
    }

    /// Registers a transport as the way to a peer, as
    /// [`RumpsteakSession::from_transport`] wraps it. In all else as
    /// [`register_session`](Self::register_session).
    pub fn register_transport(
        &self,
        peer: R,
        transport: impl Transport + 'static,
    ) -> Option<RumpsteakSession> {
        self.register_session(peer, RumpsteakSession::from_transport(transport))
    }

    /// Registers the ways to several peers at once, as a session over a network gives them. In
    /// all else as [`register_session`](Self::register_session).
    pub fn register_transports<T: Transport + 'static>(
        &self,
        transports: impl IntoIterator<Item = (R, T)>,
    ) {
        for (peer, transport) in transports {
            self.register_transport(peer, transport);
        }
    }

    /// Registers a session as the way to a peer.
    ///
    /// It takes the place of the session that was registered before, if there was one, and gives
    /// that back: operations that wait on it go on, all others take the new one.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a peer is registered by value, as into a map"
    )]
    pub fn register_session(&self, peer: R, session: RumpsteakSession) -> Option<RumpsteakSession> {
        let slot = self.peers.get_or_insert_with(&peer, Mutex::default);
        lock(slot).replace(session)
    }

    /// Takes the session with a peer out, if one is registered.
    pub fn unregister(&self, peer: &R) -> Option<RumpsteakSession> {
        lock(self.peers.get(peer)?).take()
    }

    /// The role that this endpoint belongs to.
    #[must_use]
    pub fn role(&self) -> &R {
        &self.role
    }

    /// The codec in which it sends.
    #[must_use]
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// The peers that are registered, in no particular order.
    #[must_use]
    pub fn peers(&self) -> Vec<R> {
        let registered = self.sessions().into_iter();
        registered.map(|(peer, _)| peer).collect()
    }

    /// Whether there is a session with the peer.
    #[must_use]
    pub fn is_registered(&self, peer: &R) -> bool {
        self.session(peer).is_some()
    }

    /// The session with a peer.
    #[must_use]
    pub fn session(&self, peer: &R) -> Option<RumpsteakSession> {
        lock(self.peers.get(peer)?).clone()
    }

    /// What is known of the session with a peer.
    #[must_use]
    pub fn metadata(&self, peer: &R) -> Option<SessionMetadata> {
        self.session(peer).map(|session| session.metadata())
    }

    /// What is known of all sessions, in no particular order.
    #[must_use]
    pub fn all_metadata(&self) -> Vec<(R, SessionMetadata)> {
        let sessions = self.sessions().into_iter();
        sessions
            .map(|(peer, session)| (peer, session.metadata()))
            .collect()
    }

    /// Closes all sessions in order, at once: the peers receive what was sent, then learn that the
    /// role has left. They stay registered, and what the peers have sent can still be received.
    ///
    /// # Errors
    /// The first of the sessions' errors. The others are closed all the same.
    ///
    /// # Cancel safety
    /// Nothing more can be sent as soon as it was polled; another call does the rest.
    pub async fn close(&self) -> Result<()> {
        let closing = self.sessions().into_iter().map(async |(peer, session)| {
            session.close().await.map_err(|error| {
                error
                    .context(format_args!("closing the session with {}", peer.name()))
                    .with_role(self.role.name())
            })
        });
        join_all(closing).await.into_iter().collect()
    }

    /// The session with a peer, or an error that says what is missing.
    pub(crate) fn registered(&self, peer: &R) -> Result<RumpsteakSession> {
        self.with_session(peer, |session| Ok(session.clone()))
    }

    /// What `act` makes of the session with a peer, without a clone of it.
    pub(crate) fn with_session<T>(
        &self,
        peer: &R,
        act: impl FnOnce(&RumpsteakSession) -> Result<T>,
    ) -> Result<T> {
        if let Some(slot) = self.peers.get(peer)
            && let Some(session) = &*lock(slot)
        {
            return act(session);
        }
        Err(self.unregistered(peer))
    }

    fn unregistered(&self, peer: &R) -> Error {
        // Put in one by one: sorting would take kilobytes of a wasm module.
        let mut names = Vec::new();
        for (peer, slot) in self.peers.iter() {
            if lock(slot).is_none() {
                continue;
            }
            let name = peer.name();
            let place = names.binary_search(&name).unwrap_or_else(|place| place);
            names.insert(place, name);
        }
        let mut registered = String::new();
        for name in &names {
            registered += if registered.is_empty() {
                "there are: "
            } else {
                ", "
            };
            registered += name;
        }
        if names.is_empty() {
            registered += "no peer is";
        }
        Error::new(
            ErrorKind::UnknownRole,
            format!(
                "no session with {} is registered; {registered}; call `register_channel`, \
                 `register_session` or `register_transport` of the endpoint first",
                peer.name()
            ),
        )
    }

    fn sessions(&self) -> Vec<(R, RumpsteakSession)> {
        let slots = self.peers.iter();
        slots
            .filter_map(|(peer, slot)| Some((peer.clone(), lock(slot).clone()?)))
            .collect()
    }
}

impl<R: RoleId> fmt::Debug for RumpsteakEndpoint<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RumpsteakEndpoint")
            .field("role", &self.role)
            .field("sessions", &self.sessions())
            .finish()
    }
}

fn lock<T>(slot: &Mutex<T>) -> MutexGuard<'_, T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

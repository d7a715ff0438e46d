use std::fmt;

use choreo_core::queue::{Closed, Refused};
use choreo_core::{
    ChoreoHandler, Codec, Error, ErrorKind, Incoming, Operation, Outgoing, PeerMap, Result, RoleId,
    async_trait,
};

use crate::InMemoryNetwork;
use crate::network::{Link, Links};

/// Plays one role over queues in memory.
///
/// Made by [`InMemoryNetwork::join`], or by [`new`](Self::new), which makes the network too.
/// Dropping it means that the role leaves: its peers receive what it has sent, then an error of
/// kind [`Closed`](ErrorKind::Closed).
///
/// It has no endpoint: `()` will do. It needs no runtime, any executor runs it.
pub struct InMemoryHandler<R: RoleId> {
    network: InMemoryNetwork<R>,
    role: R,
    codec: Codec,
    /// Fetched from the network at first use.
    peers: PeerMap<R, Links>,
}

impl<R: RoleId> InMemoryHandler<R> {
    /// The first role of a network of its own; the others [join](InMemoryNetwork::join) its
    /// [`network`](Self::network).
    ///
    /// ```
    /// use choreo_core::{Program, interpret};
    /// use choreo_handler_inmemory::InMemoryHandler;
    ///
    /// # futures::executor::block_on(async {
    /// let alice = InMemoryHandler::new("Alice");
    /// let bob = alice.network().join("Bob")?;
    ///
    /// interpret(&alice, &(), Program::new().send("Bob", 1_u32).end()).await?;
    /// let result = interpret(&bob, &(), Program::new().recv::<u32>("Alice").end()).await?;
    /// assert_eq!(result.received_values, [1]);
    /// # Ok::<(), choreo_core::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn new(role: R) -> Self {
        let network = InMemoryNetwork::new();
        network.seat_first(&role);
        Self::joined(network, role)
    }

    pub(crate) fn joined(network: InMemoryNetwork<R>, role: R) -> Self {
        Self {
            network,
            role,
            codec: Codec::default(),
            peers: PeerMap::new(),
        }
    }

    /// Sends in another codec than postcard. It receives in that one and in postcard, as over a
    /// network: a peer that is to read it has the same.
    #[must_use]
    pub fn with_codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    /// The codec in which it sends.
    #[must_use]
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// The network that the role has joined.
    #[must_use]
    pub fn network(&self) -> &InMemoryNetwork<R> {
        &self.network
    }

    /// The role that this handler plays.
    #[must_use]
    pub fn role(&self) -> &R {
        &self.role
    }

    fn links(&self, peer: &R) -> Result<&Links> {
        if let Some(links) = self.peers.get(peer) {
            return Ok(links);
        }
        let links = self.network.links(&self.role, peer)?;
        Ok(self.peers.insert(peer, links))
    }

    /// Sends at once; gives the queue and the payload if there is no room.
    fn try_send(&self, to: &R, payload: Outgoing<'_>) -> Result<Option<(&Link, Incoming)>> {
        let link = &self.links(to)?.to;
        match link.try_send(payload.to_incoming(self.codec)?) {
            Ok(()) => Ok(None),
            Err(Refused::Full(payload)) => Ok(Some((link, payload))),
            Err(Refused::Closed) => Err(gone(Closed)),
        }
    }

    fn located(&self, error: Error, operation: Operation, peer: &R) -> Error {
        error.with_role(self.role.name()).at(operation, peer.name())
    }
}

#[async_trait]
impl<R: RoleId> ChoreoHandler for InMemoryHandler<R> {
    type Role = R;
    type Endpoint = ();

    async fn send_payload(&self, _: &(), to: &R, payload: Outgoing<'_>) -> Result<()> {
        let sent = match self.try_send(to, payload) {
            Ok(None) => Ok(()),
            // Most sends find room; only one that does not needs a future that can wait.
            Ok(Some((link, payload))) => link.send(payload).await.map_err(gone),
            Err(error) => Err(error),
        };
        sent.map_err(|error| self.located(error, Operation::sending(payload), to))
    }

    async fn recv_payload(&self, _: &(), from: &R) -> Result<Incoming> {
        let received = match self.links(from) {
            Ok(links) => links.from.recv().await.map_err(gone),
            Err(error) => Err(error),
        };
        let received = received.and_then(|payload| payload.known_to(self.codec));
        received.map_err(|error| self.located(error, Operation::Recv, from))
    }

    /// A network is one session, so all its roles learn of it.
    fn abandon(&self, _: &(), _: &[R]) {
        self.network.leave(&self.role);
    }
}

impl<R: RoleId> Drop for InMemoryHandler<R> {
    fn drop(&mut self) {
        self.network.leave(&self.role);
    }
}

impl<R: RoleId> fmt::Debug for InMemoryHandler<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryHandler")
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

fn gone(_: Closed) -> Error {
    Error::new(
        ErrorKind::Closed,
        "the peer has left the session (its handler was dropped)",
    )
}

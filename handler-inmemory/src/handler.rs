use std::fmt;
use std::sync::OnceLock;

use choreo_core::queue::{Closed, Refused};
use choreo_core::{
    ChoreoHandler, Codec, Error, ErrorKind, Incoming, Operation, Outgoing, PeerMap, Result, RoleId,
    async_trait,
};

use crate::InMemoryNetwork;
use crate::network::Link;

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
    peers: PeerMap<R, Peer>,
}

/// The queues to and from one peer, fetched from the network at first use.
#[derive(Default)]
struct Peer {
    to: OnceLock<Link>,
    from: OnceLock<Link>,
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
            peers: PeerMap::new(),
        }
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

    /// The queue in a slot of a peer; the network is asked for it once.
    fn link<'a>(
        &'a self,
        peer: &R,
        slot: fn(&Peer) -> &OnceLock<Link>,
        fetch: impl FnOnce() -> Result<Link>,
    ) -> Result<&'a Link> {
        if let Some(link) = self.peers.get(peer).and_then(|peer| slot(peer).get()) {
            return Ok(link);
        }
        let link = fetch()?;
        let peer = self.peers.get_or_insert_with(peer, Peer::default);
        Ok(slot(peer).get_or_init(|| link))
    }

    fn to(&self, peer: &R) -> Result<&Link> {
        self.link(
            peer,
            |peer| &peer.to,
            || self.network.link(&self.role, peer, &self.role),
        )
    }

    fn from(&self, peer: &R) -> Result<&Link> {
        self.link(
            peer,
            |peer| &peer.from,
            || self.network.link(peer, &self.role, &self.role),
        )
    }

    fn try_send(&self, to: &R, payload: Outgoing<'_>) -> Result<(), Refusal<'_>> {
        let link = self.to(to)?;
        match link.try_send(payload.to_incoming(Codec::default())?) {
            Err(Refused::Full(payload)) => Err(Refusal::Full(link, payload)),
            Err(Refused::Closed) => Err(gone(Closed).into()),
            Ok(()) => Ok(()),
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
            // Most sends find room; only one that does not needs a future that can wait.
            Err(Refusal::Full(link, payload)) => link.send(payload).await.map_err(gone),
            Err(Refusal::Failed(error)) => Err(error),
            Ok(()) => Ok(()),
        };
        sent.map_err(|error| self.located(error, Operation::sending(payload), to))
    }

    async fn recv_payload(&self, _: &(), from: &R) -> Result<Incoming> {
        let received = match self.from(from) {
            Ok(link) => link.recv().await.map_err(gone),
            Err(error) => Err(error),
        };
        received.map_err(|error| self.located(error, Operation::Recv, from))
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

/// Why a payload was not sent at once.
enum Refusal<'a> {
    Full(&'a Link, Incoming),
    Failed(Error),
}

impl From<Error> for Refusal<'_> {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

fn gone(_: Closed) -> Error {
    Error::new(
        ErrorKind::Closed,
        "the peer has left the session (its handler was dropped)",
    )
}

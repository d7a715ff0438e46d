//! A conversation of 64 messages of which each is checked.

use choreo_core::{ChoreoHandlerExt, Result};
use choreo_handler_rumpsteak::{RumpsteakEndpoint, RumpsteakHandler};
use choreo_session::Session;
use futures::try_join;
use serde::{Deserialize, Serialize};

/// How many messages go to and fro, one at a time.
const TURNS: u32 = 16;
/// How many go each way at once.
const BURST: u32 = 16;
/// How many messages it has in all.
pub const MESSAGES: u32 = 2 * (TURNS + BURST);

/// Those who speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Calls.
    Alice,
    /// Is called.
    Bob,
    /// Is not in the conversation of two.
    Carol,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Alice, Self::Bob, Self::Carol];

    /// All the others.
    pub fn peers(self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |peer| *peer != self)
    }
}

type Handler = RumpsteakHandler<Role>;
type Endpoint = RumpsteakEndpoint<Role>;

/// Sends numbers there and back, one by one and then many at once.
///
/// # Errors
/// The sessions' errors.
///
/// # Panics
/// When a number is lost, comes twice or out of its place.
pub async fn exchange(alice: &Session, bob: &Session) -> Result<()> {
    let at_alice = endpoint(Role::Alice, alice, [Role::Bob])?;
    let at_bob = endpoint(Role::Bob, bob, [Role::Alice])?;
    let handler = Handler::new();
    let asks = async {
        for number in 0..TURNS {
            handler.send(&at_alice, Role::Bob, &number).await?;
            receive(&handler, &at_alice, Role::Bob, number).await?;
        }
        burst(&handler, &at_alice, Role::Bob).await
    };
    let answers = async {
        for number in 0..TURNS {
            receive(&handler, &at_bob, Role::Alice, number).await?;
            handler.send(&at_bob, Role::Alice, &number).await?;
        }
        burst(&handler, &at_bob, Role::Alice).await
    };
    try_join!(asks, answers).map(drop)
}

/// Leaves in order, both at once.
///
/// # Errors
/// The first error of the two, with the role in front.
pub async fn close(alice: Session, bob: Session) -> Result<()> {
    let close = async |session: Session| {
        let role = session.role().to_owned();
        session.close().await.map_err(|error| error.context(role))
    };
    try_join!(close(alice), close(bob)).map(drop)
}

/// An endpoint with the session's ways to these peers.
///
/// # Errors
/// When the session does not know one.
pub fn endpoint(
    role: Role,
    session: &Session,
    peers: impl IntoIterator<Item = Role>,
) -> Result<Endpoint> {
    let endpoint = Endpoint::new(role);
    for (peer, transport) in session.transports(peers)? {
        endpoint.register_transport(peer, transport);
    }
    Ok(endpoint)
}

/// Sends many, and then receives as many.
async fn burst(handler: &Handler, at: &Endpoint, peer: Role) -> Result<()> {
    for number in TURNS..TURNS + BURST {
        handler.send(at, peer, &number).await?;
    }
    for number in TURNS..TURNS + BURST {
        receive(handler, at, peer, number).await?;
    }
    Ok(())
}

/// The next number must be that one.
async fn receive(handler: &Handler, at: &Endpoint, from: Role, due: u32) -> Result<()> {
    let number: u32 = handler.recv(at, from).await?;
    assert_eq!(number, due, "from {from:?}: lost, repeated or out of order");
    Ok(())
}

//! The protocols that the command can play.

mod bookshop;
mod ping_pong;
mod scatter_gather;

use choreo::protocol::Global;
use choreo::{ChoreoHandler, ProtocolRole, Result};

pub(crate) use bookshop::Bookshop;
pub(crate) use ping_pong::PingPong;
pub(crate) use scatter_gather::ScatterGather;

/// A protocol, and what its roles do. Its fields are what the command line says of it.
pub(crate) trait Demo {
    /// The name on the command line.
    const NAME: &str;
    /// The roles.
    type Role: ProtocolRole;

    /// The protocol.
    fn protocol() -> Global;

    /// Plays one role, and says in one line what came of it.
    async fn play<H>(&self, role: Self::Role, handler: &H) -> Result<String>
    where
        H: ChoreoHandler<Role = Self::Role, Endpoint = ()>;
}

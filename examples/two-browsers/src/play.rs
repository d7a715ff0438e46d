use choreo::middleware::{Record, RecordLayer};
use choreo::prelude::*;

use crate::Talk;
use crate::protocol::{self, Role};

/// What a role speaks through.
pub type Stack = Record<RumpsteakHandler<Role>>;

/// The stack of a role: its operations go into the diagram.
#[must_use]
pub fn stack(role: Role, talk: &Talk) -> Stack {
    RumpsteakHandler::new().layer(RecordLayer::new(role.name(), &talk.recording))
}

/// The endpoint of a role, with its peer reached through a session.
///
/// # Errors
/// When the session has no such peer.
pub fn endpoint(role: Role, session: &Session) -> Result<RumpsteakEndpoint<Role>> {
    let endpoint = RumpsteakEndpoint::new(role);
    endpoint.register_transports(session.transports([role.peer()])?);
    Ok(endpoint)
}

/// Plays the role of an endpoint to its end. `rounds` is how often Alice calls; `None` for ever.
///
/// # Errors
/// When the session is lost, or the peer has left Alice without an answer.
///
/// # Cancel safety
/// When it is dropped the role stops in the middle; its session is still there.
pub async fn play(
    endpoint: &RumpsteakEndpoint<Role>,
    talk: &Talk,
    rounds: Option<u64>,
) -> Result<()> {
    let role = *endpoint.role();
    let stack = stack(role, talk);
    match role {
        Role::Alice => protocol::alice(&stack, endpoint, talk, rounds).await,
        Role::Bob => protocol::bob(&stack, endpoint, talk).await,
    }
}

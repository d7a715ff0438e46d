use std::fmt;
use std::sync::Arc;

use choreo_core::{
    ChoreoHandler, Codec, Error, Incoming, Operation, Outgoing, Result, RoleId, async_trait,
};
use choreo_protocol::canvas::cut;

use super::world::{Player, World};

/// More of what a message says is cut, in characters.
const LONGEST_CONTENTS: usize = 80;

/// Plays a role on a [`SimNetwork`](super::SimNetwork).
///
/// On a network without faults it keeps every promise of a handler. On others it does as the network
/// does: a send that succeeds may never arrive, arrive twice, or late. The role leaves in order when the
/// handler is dropped; a role that has crashed is gone without a word.
///
/// # Cancel safety
/// A receive that is dropped loses nothing; a send that is dropped while it waits sends nothing.
pub struct SimHandler<R: RoleId> {
    world: Arc<World<R>>,
    role: R,
    player: Player,
}

impl<R: RoleId> SimHandler<R> {
    pub(super) fn join(world: &Arc<World<R>>, role: R) -> Result<Self> {
        let player = world.join(&role)?;
        Ok(Self {
            world: Arc::clone(world),
            role,
            player,
        })
    }

    /// The role that this handler plays.
    #[must_use]
    pub fn role(&self) -> &R {
        &self.role
    }

    fn located(&self, error: Error, operation: Operation, peer: &R) -> Error {
        error.with_role(self.role.name()).at(operation, peer.name())
    }
}

#[async_trait]
impl<R: RoleId> ChoreoHandler for SimHandler<R> {
    type Role = R;
    type Endpoint = ();

    async fn send_payload(&self, _: &(), to: &R, payload: Outgoing<'_>) -> Result<()> {
        let sent = match payload.to_incoming(Codec::default()) {
            Ok(encoded) => {
                let text = text(payload);
                self.world.send(self.player, to, &encoded, &text).await
            }
            Err(error) => Err(error),
        };
        sent.map_err(|error| self.located(error, Operation::sending(payload), to))
    }

    async fn recv_payload(&self, _: &(), from: &R) -> Result<Incoming> {
        let received = self.world.recv(self.player, from).await;
        received.map_err(|error| self.located(error, Operation::Recv, from))
    }

    /// A network is one session, so all its roles learn of it.
    fn abandon(&self, _: &(), _: &[R]) {
        self.world.leave(self.player);
    }
}

impl<R: RoleId> Drop for SimHandler<R> {
    fn drop(&mut self) {
        self.world.leave(self.player);
    }
}

impl<R: RoleId> fmt::Debug for SimHandler<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimHandler")
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// What stands on an arrow.
fn text(payload: Outgoing<'_>) -> String {
    match payload {
        Outgoing::Label(label) => format!("choose {label}"),
        Outgoing::Message(message) => {
            let tag = message.type_tag();
            match serde_json::to_string(message.as_serialize()) {
                Ok(json) => format!("{tag} {}", cut(&plain(&json), LONGEST_CONTENTS)),
                // JSON does not know everything that a message may hold.
                Err(_) => tag.to_string(),
            }
        }
    }
}

/// Without most of what diagrams could write as numbers only.
fn plain(json: &str) -> String {
    let plain = |c| match c {
        '"' => None,
        '{' | '[' => Some('('),
        '}' | ']' => Some(')'),
        ':' => Some(' '),
        c => Some(c),
    };
    json.chars().filter_map(plain).collect()
}

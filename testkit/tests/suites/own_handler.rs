//! Wires between roles, held against the contract.

use std::collections::HashMap;

use async_channel::{Receiver, Sender};
use choreo_core::{
    Bytes, ChoreoHandler, Codec, Error, ErrorKind, Incoming, Outgoing, Result, async_trait,
};
use choreo_testkit::{from_fn, handler_suite};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Alice,
    Bob,
    Carol,
}

/// One role's wires to and from the others.
#[derive(Default)]
struct Wires {
    to: HashMap<Role, Sender<Bytes>>,
    from: HashMap<Role, Receiver<Bytes>>,
}

#[async_trait]
impl ChoreoHandler for Wires {
    type Role = Role;
    type Endpoint = ();

    async fn send_payload(&self, _: &(), to: &Role, payload: Outgoing<'_>) -> Result<()> {
        let wire = self.to.get(to).ok_or_else(|| unknown(*to))?;
        let frame = payload.to_frame(Codec::default())?;
        wire.send(frame).await.map_err(|_| gone(*to))
    }

    async fn recv_payload(&self, _: &(), from: &Role) -> Result<Incoming> {
        let wire = self.from.get(from).ok_or_else(|| unknown(*from))?;
        let frame = wire.recv().await.map_err(|_| gone(*from))?;
        Incoming::from_frame(frame)
    }
}

fn unknown(role: Role) -> Error {
    Error::new(ErrorKind::UnknownRole, format!("no wire to {role:?}"))
}

fn gone(role: Role) -> Error {
    Error::new(ErrorKind::Closed, format!("{role:?} has left"))
}

/// A session: a handler and an endpoint for each role.
fn session(roles: &[Role]) -> Vec<(Wires, ())> {
    let mut wires: HashMap<Role, Wires> = HashMap::new();
    for from in roles {
        for to in roles.iter().filter(|to| *to != from) {
            let (sender, receiver) = async_channel::bounded(8);
            wires.entry(*from).or_default().to.insert(*to, sender);
            wires.entry(*to).or_default().from.insert(*from, receiver);
        }
    }
    roles
        .iter()
        .map(|role| (wires.remove(role).unwrap(), ()))
        .collect()
}

handler_suite!(from_fn([Role::Alice, Role::Bob, Role::Carol], 8, session));

use std::collections::BTreeMap;

use async_channel::{Receiver, Sender};
use choreo_core::{
    ChoreoHandler, Codec, Error, ErrorKind, Incoming, Operation, Outgoing, Result, RoleName,
    async_trait,
};

/// A small handler that keeps every promise: what [`layer_suite!`](crate::layer_suite) puts under
/// the layer, and what an author's own tests can stand on.
///
/// It keeps no state, all of it is in the [`ReferenceEndpoint`]s that [`reference_session`] makes.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> choreo_core::Result<()> {
/// use choreo_core::{ChoreoHandlerExt, RoleName};
/// use choreo_testkit::reference_session;
///
/// let [alice, bob] = ["Alice", "Bob"].map(RoleName::from);
/// let mut session = reference_session(&[alice.clone(), bob.clone()], 8).into_iter();
/// let (handler, alice_endpoint) = session.next().unwrap();
/// let (_, bob_endpoint) = session.next().unwrap();
///
/// handler.send(&alice_endpoint, bob, &42_u32).await?;
/// assert_eq!(handler.recv::<u32>(&bob_endpoint, alice).await?, 42);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ReferenceHandler;

/// One role's queues to and from the other roles of a session. Leaves the session when dropped.
#[derive(Debug)]
pub struct ReferenceEndpoint {
    role: RoleName,
    peers: BTreeMap<RoleName, (Sender<Incoming>, Receiver<Incoming>)>,
}

/// A session of these roles: for each the handler and its endpoint, in their order. Each role can
/// have `queue_bound` payloads under way to each other role.
///
/// # Panics
/// When `queue_bound` is 0.
#[must_use]
pub fn reference_session(
    roles: &[RoleName],
    queue_bound: usize,
) -> Vec<(ReferenceHandler, ReferenceEndpoint)> {
    let mut endpoints: Vec<_> = roles
        .iter()
        .map(|role| ReferenceEndpoint {
            role: role.clone(),
            peers: BTreeMap::new(),
        })
        .collect();
    for left in 0..roles.len() {
        for right in left + 1..roles.len() {
            let (to_right, from_left) = async_channel::bounded(queue_bound);
            let (to_left, from_right) = async_channel::bounded(queue_bound);
            let mut join = |at: usize, peer: usize, queues| {
                endpoints[at].peers.insert(roles[peer].clone(), queues)
            };
            join(left, right, (to_right, from_right));
            join(right, left, (to_left, from_left));
        }
    }
    endpoints
        .into_iter()
        .map(|endpoint| (ReferenceHandler, endpoint))
        .collect()
}

#[async_trait]
impl ChoreoHandler for ReferenceHandler {
    type Role = RoleName;
    type Endpoint = ReferenceEndpoint;

    async fn send_payload(
        &self,
        endpoint: &ReferenceEndpoint,
        to: &RoleName,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let failed = |error| endpoint.failed(error, Operation::sending(payload), to);
        let (queue, _) = endpoint.peer(to).map_err(failed)?;
        let payload = payload.to_incoming(Codec::default()).map_err(failed)?;
        let sent = queue.send(payload).await;
        sent.map_err(|_| failed(has_left(to)))
    }

    async fn recv_payload(
        &self,
        endpoint: &ReferenceEndpoint,
        from: &RoleName,
    ) -> Result<Incoming> {
        let failed = |error| endpoint.failed(error, Operation::Recv, from);
        let (_, queue) = endpoint.peer(from).map_err(failed)?;
        let received = queue.recv().await;
        received.map_err(|_| failed(has_left(from)))
    }
}

impl ReferenceEndpoint {
    fn peer(&self, peer: &RoleName) -> Result<&(Sender<Incoming>, Receiver<Incoming>)> {
        self.peers.get(peer).ok_or_else(|| {
            let known: Vec<_> = self.peers.keys().map(RoleName::as_str).collect();
            let detail = format!("no such role here; there are: {}", known.join(", "));
            Error::new(ErrorKind::UnknownRole, detail)
        })
    }

    fn failed(&self, error: Error, operation: Operation, peer: &RoleName) -> Error {
        error
            .with_role(self.role.as_str())
            .at(operation, peer.as_str())
    }
}

fn has_left(peer: &RoleName) -> Error {
    Error::new(ErrorKind::Closed, format!("{peer} has left the session"))
}

use choreo_core::{ChoreoHandler, Layer, Outgoing, PeerMap, RoleId, forward, handler_fn};

use crate::seal::{Numbers, SealLayer};

/// What [`SealLayer`] makes: the handler of one session, sealed.
///
/// # Cancel safety
/// As the inner handler's: a send that is dropped leaves a gap in the numbers, and gaps are allowed.
pub struct Seal<H: ChoreoHandler> {
    inner: H,
    seal: SealLayer,
    peers: PeerMap<H::Role, Numbers>,
}

impl<H: ChoreoHandler> Layer<H> for SealLayer {
    type Service = Seal<H>;

    fn layer(&self, inner: H) -> Seal<H> {
        let (seal, peers) = (self.clone(), PeerMap::new());
        Seal { inner, seal, peers }
    }
}

impl<H: ChoreoHandler> ChoreoHandler for Seal<H> {
    type Role = H::Role;
    type Endpoint = H::Endpoint;

    // `send_to_all` is the provided one, which sends to one role after the other: what is sealed for
    // one is not for another.
    handler_fn! {
        fn send_payload(self, endpoint, to, payload) {
            Box::pin(async move {
                // Held until it is sent: what is sealed first goes out first.
                let mut last = self.peers.get_or_insert_with(to, Numbers::default).sent.lock().await;
                let sealed = self.seal.seal(&to.name(), &mut last, payload)?;
                self.inner.send_payload(endpoint, to, Outgoing::Message(&sealed)).await
            })
        }
        fn recv_payload(self, endpoint, from) {
            Box::pin(async move {
                let mut last = self.peers.get_or_insert_with(from, Numbers::default).received.lock().await;
                let sealed = self.inner.recv_payload(endpoint, from).await?;
                self.seal.open(&from.name(), &mut last, sealed)
            })
        }
    }
    forward!(inner: abandon);
}

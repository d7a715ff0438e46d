use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, Generate, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use choreo_core::{Codec, Error, ErrorKind, Incoming, Operation, Outgoing, Result, RoleId};
use futures::lock::Mutex;
use serde::{Deserialize, Serialize};

use crate::SealKey;

/// A payload under seal: what goes over the transport in its place.
#[derive(Serialize, Deserialize)]
pub(crate) struct Sealed {
    number: u64,
    nonce: [u8; 24],
    #[serde(with = "serde_bytes")]
    text: Vec<u8>,
}

/// The numbers of the last messages to a peer and from it.
#[derive(Default)]
pub(crate) struct Numbers {
    pub(crate) sent: Mutex<u64>,
    pub(crate) received: Mutex<u64>,
}

/// Seals what its role sends and opens what it receives, with a key that all roles share.
///
/// ```
/// use choreo_core::ChoreoHandlerExt;
/// use choreo_handler_inmemory::InMemoryNetwork;
/// use custom_layer::{SealKey, SealLayer};
///
/// # futures::executor::block_on(async {
/// let (network, key) = (InMemoryNetwork::new(), SealKey::generate());
/// let alice = network.join("Alice")?.layer(SealLayer::new(&key, "game-7", &"Alice"));
/// let bob = network.join("Bob")?.layer(SealLayer::new(&key, "game-7", &"Bob"));
///
/// alice.send(&(), "Bob", &"for nobody else").await?;
/// assert_eq!(bob.recv::<String>(&(), "Alice").await?, "for nobody else");
/// # Ok::<(), choreo_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct SealLayer {
    cipher: XChaCha20Poly1305,
    session: Arc<str>,
    role: Arc<str>,
}

impl SealLayer {
    /// With the key and the name of the session, which are the same for all its roles, and the
    /// role's own name.
    ///
    /// A session's name is used once: what was recorded of an earlier session of that name would pass
    /// in a later one.
    #[must_use]
    pub fn new(key: &SealKey, session: &str, role: &impl RoleId) -> Self {
        Self {
            cipher: key.cipher(),
            session: session.into(),
            role: role.name().into(),
        }
    }

    /// Seals a payload, its kind, its type and its bytes, under the number after the last one.
    pub(crate) fn seal(&self, to: &str, last: &mut u64, payload: Outgoing<'_>) -> Result<Sealed> {
        let failed = |error: Error| {
            let operation = Operation::sending(payload);
            error.with_role(&*self.role).at(operation, to)
        };
        let frame = payload.to_frame(Codec::default()).map_err(failed)?;
        *last += 1;
        let number = *last;
        // Of 24 bytes: so many that chance never gives one twice.
        let nonce = XNonce::generate();
        let bound = self.bound(&self.role, to, number);
        let plain = Payload {
            msg: &frame,
            aad: bound.as_bytes(),
        };
        let text = self.cipher.encrypt(&nonce, plain).map_err(|_| {
            let detail = format!("{} bytes are too many to be sealed", frame.len());
            failed(Error::new(ErrorKind::Encode, detail))
        })?;
        Ok(Sealed {
            number,
            nonce: nonce.into(),
            text,
        })
    }

    /// Opens what came from a peer. Its number is above the last one, which it then is.
    pub(crate) fn open(&self, from: &str, last: &mut u64, payload: Incoming) -> Result<Incoming> {
        let failed = |error: Error| error.with_role(&*self.role).at(Operation::Recv, from);
        let unsealed = |error: Error| failed(error.context("it came without a seal"));
        let sealed = payload.into_message().map_err(unsealed)?;
        let sealed: Sealed = sealed.decode().map_err(unsealed)?;
        if sealed.number <= *last {
            let (number, last) = (sealed.number, *last);
            let detail = format!(
                "message {number} came after message {last}: it was repeated or held back on its way"
            );
            return Err(failed(Error::new(ErrorKind::Protocol, detail)));
        }
        let bound = self.bound(from, &self.role, sealed.number);
        let text = Payload {
            msg: &sealed.text,
            aad: bound.as_bytes(),
        };
        let frame = self.cipher.decrypt(&sealed.nonce.into(), text).map_err(|_| {
            let detail = format!(
                "the seal of message {} is broken: it was changed on its way, is not from {from} to \
                 {} in session {:?}, or the keys differ",
                sealed.number, self.role, self.session,
            );
            failed(Error::new(ErrorKind::Decode, detail))
        })?;
        *last = sealed.number;
        Incoming::from_frame(frame.into()).map_err(failed)
    }

    /// What the seal holds together with the payload. Quoted, so that no two read the same.
    fn bound(&self, from: &str, to: &str, number: u64) -> String {
        format!("{:?} {from:?} {to:?} {number}", self.session)
    }
}

/// Without the key.
impl fmt::Debug for SealLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut layer = f.debug_struct("SealLayer");
        layer
            .field("session", &self.session)
            .field("role", &self.role);
        layer.finish_non_exhaustive()
    }
}

//! Keeps what goes through, to look at it as a picture or to run it again.
//!
//! `recording` holds the entries, `diagram` makes arrows of them, which `mermaid` and `svg`
//! draw; `transcript` writes and reads them as text, and `replay` plays a role's peers from them.

mod diagram;
mod mermaid;
mod recording;
mod replay;
mod svg;
mod transcript;

use std::slice;
use std::sync::{Mutex, MutexGuard, PoisonError};

use choreo_core::{
    Bytes, ChoreoHandler, Codec, Encoded, Error, Incoming, Label, Layer, Message, Operation,
    Outgoing, Result, RoleId, RoleName, forward, handler_fn,
};

use crate::watched::{Note, Watched};

pub use recording::{Entry, Failure, Payload, Recording};
pub use replay::Replay;

/// Writes every operation of a role into a [`Recording`], which several roles can share.
///
/// ```
/// use choreo_core::ChoreoHandlerExt;
/// use choreo_handler_inmemory::InMemoryNetwork;
/// use choreo_middleware::{RecordLayer, Recording};
///
/// # futures::executor::block_on(async {
/// let recording = Recording::new();
/// let network = InMemoryNetwork::new();
/// let alice = network.join("Alice")?.layer(RecordLayer::new("Alice", &recording));
/// let bob = network.join("Bob")?.layer(RecordLayer::new("Bob", &recording));
///
/// alice.send(&(), "Bob", &"hello").await?;
/// bob.recv::<String>(&(), "Alice").await?;
/// bob.send(&(), "Alice", &42_u32).await?;
///
/// assert_eq!(recording.to_mermaid(), "\
/// sequenceDiagram
///     participant p0 as Alice
///     participant p1 as Bob
///     p0->>p1: String
///     p1--)p0: u32
/// ");
/// assert!(recording.to_svg().starts_with("<svg"));
/// # Ok::<(), choreo_core::Error>(()) }).unwrap();
/// ```
///
/// # Cancel safety
/// As the inner handler's. A send that is dropped is recorded as failed, since it may have been
/// delivered; a receive that is dropped leaves no trace.
#[derive(Clone, Debug)]
pub struct Record<H> {
    inner: H,
    layer: RecordLayer,
}

/// Configures [`Record`].
#[derive(Clone, Debug)]
pub struct RecordLayer {
    role: RoleName,
    recording: Recording,
    contents: bool,
}

impl<H> Record<H> {
    /// Records `inner`, which plays the role of that name.
    #[must_use]
    pub fn new(inner: H, role: impl Into<RoleName>, recording: &Recording) -> Self {
        RecordLayer::new(role, recording).layer(inner)
    }

    /// The inner handler.
    #[must_use]
    pub fn inner(&self) -> &H {
        &self.inner
    }
}

impl RecordLayer {
    /// Records a handler that plays the role of that name.
    ///
    /// The role gets the next place in the diagrams.
    #[must_use]
    pub fn new(role: impl Into<RoleName>, recording: &Recording) -> Self {
        let role = role.into();
        recording.add_role(&role);
        Self {
            role,
            recording: recording.clone(),
            contents: false,
        }
    }

    /// Whether diagrams show what the messages of this role say, as JSON, not only of which type
    /// they are. They do not unless told.
    #[cfg(feature = "record-contents")]
    #[must_use]
    pub fn contents(mut self, contents: bool) -> Self {
        self.contents = contents;
        self
    }

    fn record(
        &self,
        operation: Operation,
        peer: RoleName,
        payload: Option<Payload>,
        failure: Option<Failure>,
    ) {
        self.recording.push(Entry {
            at: self.recording.elapsed(),
            role: self.role.clone(),
            peer,
            operation,
            payload,
            failure,
        });
    }

    fn received(&self, from: RoleName, received: &Result<Incoming>) {
        match received {
            Ok(incoming) => {
                let payload = Payload::from(incoming);
                self.record(Operation::receiving(incoming), from, Some(payload), None);
            }
            Err(error) => self.record(Operation::Recv, from, None, Some(Failure::from(error))),
        }
    }
}

impl<H> Layer<H> for RecordLayer {
    type Service = Record<H>;

    fn layer(&self, inner: H) -> Record<H> {
        Record {
            inner,
            layer: self.clone(),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<H: ChoreoHandler> ChoreoHandler for Record<H> {
    type Role = H::Role;
    type Endpoint = H::Endpoint;

    handler_fn! {
        fn send_payload(self, endpoint, to, payload) {
            Box::pin(async move {
                let sending = Sending::new(&self.layer, slice::from_ref(to), payload);
                let payload = sending.outgoing();
                let sent = self.inner.send_payload(endpoint, to, payload).await;
                sending.end(sent)
            })
        }
        fn send_to_all(self, endpoint, to, payload) {
            Box::pin(async move {
                let sending = Sending::new(&self.layer, to, payload);
                let payload = sending.outgoing();
                let sent = self.inner.send_to_all(endpoint, to, payload).await;
                sending.end(sent)
            })
        }
        fn recv_payload(self, endpoint, from) {
            Box::pin(async move {
                let received = self.inner.recv_payload(endpoint, from).await;
                self.layer.received(name(from), &received);
                received
            })
        }
    }

    forward!(inner: abandon);
}

fn name(peer: &impl RoleId) -> RoleName {
    RoleName::from(peer.name())
}

/// A send that runs; recorded when it ends, or as failed when it is dropped before.
struct Sending<'a> {
    layer: &'a RecordLayer,
    payload: Outgoing<'a>,
    watched: Watched<'a, Copied>,
    peers: Vec<RoleName>,
}

impl<'a> Sending<'a> {
    fn new(layer: &'a RecordLayer, to: &[impl RoleId], payload: Outgoing<'a>) -> Self {
        Self {
            layer,
            payload,
            watched: Watched::of(payload),
            peers: to.iter().map(name).collect(),
        }
    }

    /// What to pass on instead of the payload.
    fn outgoing(&self) -> Outgoing<'_> {
        self.watched.outgoing(self.payload)
    }

    fn end(mut self, sent: Result<()>) -> Result<()> {
        self.record(sent.as_ref().err().map(Failure::from));
        sent
    }

    fn record(&mut self, failure: Option<Failure>) {
        let Some(last) = self.peers.pop() else {
            return;
        };
        let operation = Operation::sending(self.payload);
        let payload = match self.payload {
            Outgoing::Message(message) => Payload::Message {
                type_name: message.type_tag().to_string(),
                encoded: self.watched.note().slot().take(),
                contents: self.layer.contents.then(|| shown(message)).flatten(),
            },
            Outgoing::Label(label) => Payload::Label(Label::from(label.to_owned())),
        };
        for peer in self.peers.drain(..) {
            let (payload, failure) = (payload.clone(), failure.clone());
            self.layer.record(operation, peer, Some(payload), failure);
        }
        self.layer.record(operation, last, Some(payload), failure);
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        self.record(Some(Failure::dropped()));
    }
}

/// The bytes of a message.
#[derive(Default)]
struct Copied(Mutex<Option<Encoded>>);

impl Copied {
    fn slot(&self) -> MutexGuard<'_, Option<Encoded>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Note for Copied {
    fn encoded(&self, message: &dyn Message, codec: Codec, bytes: &[u8]) {
        // Not shared: the bytes would keep the buffer in which they lie.
        let bytes = Bytes::copy_from_slice(bytes);
        *self.slot() = Some(Encoded::from_parts(bytes, codec, message.type_tag()));
    }
}

impl From<&Incoming> for Payload {
    fn from(incoming: &Incoming) -> Self {
        match incoming {
            Incoming::Message(message) => Self::Message {
                type_name: message.type_tag().to_string(),
                encoded: Some(Encoded::from_parts(
                    Bytes::copy_from_slice(message.bytes()),
                    message.codec(),
                    message.type_tag(),
                )),
                contents: None,
            },
            Incoming::Label(label) => Self::Label(label.clone()),
        }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self {
            kind: Some(error.kind()),
            detail: error.detail().to_owned(),
            transient: error.is_transient(),
        }
    }
}

/// The beginning of a message as JSON.
#[cfg(feature = "record-contents")]
fn shown(message: &dyn Message) -> Option<String> {
    /// More does not fit beside an arrow.
    const MOST: usize = 120;

    struct Beginning(Vec<u8>);

    impl std::io::Write for Beginning {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let room = MOST - self.0.len();
            if room == 0 {
                return Err(std::io::ErrorKind::WriteZero.into());
            }
            let taken = room.min(bytes.len());
            self.0.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let mut json = serde_json::Serializer::new(Beginning(Vec::new()));
    let whole = choreo_core::erased_serde::serialize(message.as_serialize(), &mut json).is_ok();
    let mut text = String::from_utf8_lossy(&json.into_inner().0).into_owned();
    if !whole {
        text.push('…');
    }
    (text != "…").then_some(text)
}

#[cfg(not(feature = "record-contents"))]
fn shown(_: &dyn Message) -> Option<String> {
    None
}

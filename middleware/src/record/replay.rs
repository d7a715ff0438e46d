use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::pending;
use std::marker::PhantomData;
use std::sync::{Mutex, MutexGuard, PoisonError};

use choreo_core::{
    ChoreoHandler, Codec, Encoded, Error, ErrorKind, Incoming, Operation, Outgoing, Result, RoleId,
    async_trait,
};

use super::recording::{Entry, Payload, Recording};

/// Plays the peers of one role as they were recorded: answers its receives with what it received,
/// and holds its sends against what it sent.
///
/// The first payload that is not the recorded one is an error of kind
/// [`Protocol`](ErrorKind::Protocol), and so is one more than was recorded. Errors come again as
/// they came, and a send that was dropped waits to be dropped again. Payloads are held against
/// the record by pairs of roles and directions, as they are ordered when they are sent: what a
/// role does with one peer may overtake what it does with another.
///
/// ```
/// use choreo_core::ChoreoHandlerExt;
/// use choreo_handler_inmemory::InMemoryNetwork;
/// use choreo_middleware::{RecordLayer, Recording, Replay};
///
/// # futures::executor::block_on(async {
/// # let recording = Recording::new();
/// # let network = InMemoryNetwork::new();
/// # let alice = network.join("Alice")?.layer(RecordLayer::new("Alice", &recording));
/// # let bob = network.join("Bob")?;
/// # alice.send(&(), "Bob", &1_u32).await?;
/// # bob.send(&(), "Alice", &2_u32).await?;
/// # alice.recv::<u32>(&(), "Bob").await?;
/// # let saved = recording.to_transcript();
/// let replay = Replay::new(&Recording::from_transcript(&saved)?, "Alice")?;
/// replay.send(&(), "Bob", &1_u32).await?;
/// assert_eq!(replay.recv::<u32>(&(), "Bob").await?, 2);
/// replay.finish()?;
/// # Ok::<(), choreo_core::Error>(()) }).unwrap();
/// ```
///
/// # Cancel safety
/// Nothing is lost.
pub struct Replay<R> {
    role: String,
    lanes: Mutex<BTreeMap<String, Lanes>>,
    roles: PhantomData<fn(R)>,
}

/// What is still to come with one peer.
#[derive(Default)]
struct Lanes {
    sends: Lane,
    recvs: Lane,
}

#[derive(Default)]
struct Lane {
    entries: VecDeque<Entry>,
    done: usize,
}

impl<R: RoleId> Replay<R> {
    /// Plays the peers of the role of that name.
    ///
    /// # Errors
    /// [`UnknownRole`](ErrorKind::UnknownRole) when that role has recorded nothing.
    pub fn new(recording: &Recording, role: &str) -> Result<Self> {
        let log = recording.log();
        let mut lanes = BTreeMap::<String, Lanes>::new();
        for entry in &log.entries {
            if entry.role.as_str() == role {
                let lanes = lanes.entry(entry.peer.as_str().to_owned()).or_default();
                let lane = if entry.is_send() {
                    &mut lanes.sends
                } else {
                    &mut lanes.recvs
                };
                lane.entries.push_back(entry.clone());
            }
        }
        if lanes.is_empty() && !log.roles.iter().any(|known| known.as_str() == role) {
            let known: Vec<_> = log.roles.iter().map(|role| role.as_str()).collect();
            return Err(Error::new(
                ErrorKind::UnknownRole,
                format!(
                    "`{role}` has recorded nothing; there are: {}",
                    known.join(", ")
                ),
            ));
        }
        Ok(Self {
            role: role.to_owned(),
            lanes: Mutex::new(lanes),
            roles: PhantomData,
        })
    }

    /// Makes sure that everything that was recorded has come.
    ///
    /// # Errors
    /// [`Protocol`](ErrorKind::Protocol), naming a peer with whom something is left.
    pub fn finish(&self) -> Result<()> {
        for (peer, lanes) in self.lanes().iter() {
            for (operation, lane) in [
                (Operation::Send, &lanes.sends),
                (Operation::Recv, &lanes.recvs),
            ] {
                if let left @ 1.. = lane.entries.len() {
                    let detail = format!("the record has {left} more of them");
                    return Err(self.deviation(detail, operation, peer));
                }
            }
        }
        Ok(())
    }

    fn lanes(&self) -> MutexGuard<'_, BTreeMap<String, Lanes>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deviation(&self, detail: String, operation: Operation, peer: &str) -> Error {
        Error::new(ErrorKind::Protocol, detail)
            .with_role(self.role.as_str())
            .at(operation, peer)
    }

    /// Takes the next entry of a lane, if it is the expected one.
    fn next(
        &self,
        operation: Operation,
        peer: &str,
        is_expected: impl FnOnce(&Entry) -> Result<(), String>,
    ) -> Result<Entry> {
        let mut lanes = self.lanes();
        let lanes = lanes.entry(peer.to_owned()).or_default();
        let lane = match operation {
            Operation::Send | Operation::Choose => &mut lanes.sends,
            Operation::Recv | Operation::Offer => &mut lanes.recvs,
        };
        let place = lane.done + 1;
        let checked = match lane.entries.front() {
            Some(entry) => is_expected(entry),
            None => Err(format!("the record has only {}", lane.done)),
        };
        let entry = checked.and_then(|()| lane.entries.pop_front().ok_or_else(String::new));
        lane.done += usize::from(entry.is_ok());
        entry.map_err(|detail| self.deviation(format!("number {place}: {detail}"), operation, peer))
    }

    /// Takes the recorded send, or says how this one differs.
    fn sent(&self, peer: &str, payload: Outgoing<'_>) -> Result<Entry> {
        self.next(
            Operation::sending(payload),
            peer,
            |recorded| match recorded.payload.as_ref() {
                Some(expected) if !is_same(expected, payload)? => Err(format!(
                    "the record has {}, not {}",
                    Described(expected),
                    Described(&describe(payload, codec_of(expected))),
                )),
                _ => Ok(()),
            },
        )
    }
}

/// Whether a payload is the recorded one, or why that cannot be known.
fn is_same(expected: &Payload, payload: Outgoing<'_>) -> Result<bool, String> {
    Ok(match (expected, payload) {
        (Payload::Label(expected), Outgoing::Label(label)) => expected.as_str() == label,
        (
            Payload::Message {
                encoded: Some(expected),
                ..
            },
            Outgoing::Message(message),
        ) => {
            let found = Encoded::new(message, expected.codec()).map_err(|e| e.to_string())?;
            found == *expected
        }
        (Payload::Message { type_name, .. }, Outgoing::Message(message)) => {
            *type_name == message.type_tag().to_string()
        }
        _ => false,
    })
}

/// The codec of a payload, for another to be shown beside it.
fn codec_of(payload: &Payload) -> Codec {
    match payload {
        Payload::Message {
            encoded: Some(encoded),
            ..
        } => encoded.codec(),
        _ => Codec::default(),
    }
}

fn describe(payload: Outgoing<'_>, codec: Codec) -> Payload {
    match payload {
        Outgoing::Label(label) => Payload::Label(label.to_owned().into()),
        Outgoing::Message(message) => Payload::Message {
            type_name: message.type_tag().to_string(),
            encoded: Encoded::new(message, codec).ok(),
            contents: None,
        },
    }
}

/// How many bytes of a message an error shows.
const MOST: usize = 32;

struct Described<'a>(&'a Payload);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Payload::Label(label) => write!(f, "the label `{label}`"),
            Payload::Message {
                type_name, encoded, ..
            } => {
                write!(f, "a message of type {type_name}")?;
                let Some(encoded) = encoded else {
                    return Ok(());
                };
                let bytes = encoded.bytes();
                let more = if bytes.len() > MOST { ".." } else { "" };
                let bytes = bytes.slice(..bytes.len().min(MOST));
                write!(f, " ({} bytes: {bytes:?}{more})", encoded.bytes().len())
            }
        }
    }
}

/// Ends an operation as its entry says.
async fn end(entry: &Entry) -> Result<()> {
    let Some(failure) = &entry.failure else {
        return Ok(());
    };
    let Some(kind) = failure.kind else {
        return pending().await;
    };
    let error = Error::new(kind, failure.detail.as_str()).at(entry.operation, entry.peer.as_str());
    Err(if failure.transient {
        error.transient()
    } else {
        error
    })
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<R: RoleId> ChoreoHandler for Replay<R> {
    type Role = R;
    type Endpoint = ();

    async fn send_payload(&self, _: &(), to: &R, payload: Outgoing<'_>) -> Result<()> {
        end(&self.sent(&to.name(), payload)?).await
    }

    async fn recv_payload(&self, _: &(), from: &R) -> Result<Incoming> {
        let entry = self.next(Operation::Recv, &from.name(), |_| Ok(()))?;
        end(&entry).await?;
        match entry.payload {
            Some(Payload::Message {
                encoded: Some(encoded),
                ..
            }) => Ok(Incoming::Message(encoded)),
            Some(Payload::Label(label)) => Ok(Incoming::Label(label)),
            _ => Err(self.deviation(
                "the record has no bytes for it".to_owned(),
                Operation::Recv,
                &from.name(),
            )),
        }
    }

    async fn send_to_all(&self, _: &(), to: &[R], payload: Outgoing<'_>) -> Result<()> {
        let sent: Result<Vec<_>> = to
            .iter()
            .map(|role| self.sent(&role.name(), payload))
            .collect();
        for entry in &sent? {
            end(entry).await?;
        }
        Ok(())
    }

    /// There are no others.
    fn abandon(&self, _: &(), _: &[R]) {}
}

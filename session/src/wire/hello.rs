use choreo_core::{Codec, Encoded, Error, Message, TypeTag};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Abort, Code, Frame, Kind};
use crate::Limits;

/// The most bytes of a session's or a role's name.
pub const MAX_NAME: usize = 64;

/// What a role says first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The versions of the session protocol that it speaks.
    pub versions: Vec<u8>,
    /// What it takes the choreography and its codec to be; all roles of a session must agree.
    pub fingerprint: u64,
    /// The session's name.
    pub session: String,
    /// The role that it plays.
    pub role: String,
    /// A number by which it knows itself, random in each process.
    pub instance: u128,
    /// The number of the attempt, greater each time.
    pub epoch: u64,
    /// The ticket, to join; nothing, to resume.
    pub token: Option<String>,
    /// The roles that it speaks with; the frames' `peer` counts them from 1.
    pub peers: Vec<String>,
    /// The most that it takes.
    pub limits: Limits,
}

/// Asks whoever resumes for a proof that it is the one that joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Random, and new each time.
    pub nonce: u128,
}

/// The proof: an HMAC-SHA256 (RFC 2104) under the resume key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The code.
    pub mac: [u8; 32],
}

/// Lets a role in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version that both speak from here on.
    pub version: u8,
    /// What holds in this session.
    pub limits: Limits,
    /// How long a role may be away, in milliseconds.
    pub resume_ttl_ms: u32,
    /// How often the server asks for a sign of life, in milliseconds.
    pub ping_interval_ms: u32,
    /// What later proofs are made with; only on joining.
    #[serde(deserialize_with = "super::key::deserialize")]
    pub resume_key: Option<[u8; 32]>,
}

/// Without the key.
impl std::fmt::Debug for Welcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Welcome")
            .field("version", &self.version)
            .field("limits", &self.limits)
            .field("resume_ttl_ms", &self.resume_ttl_ms)
            .field("ping_interval_ms", &self.ping_interval_ms)
            .finish_non_exhaustive()
    }
}

/// What frames of the handshake carry.
pub(crate) trait Body: Message + DeserializeOwned {
    const KIND: Kind;

    fn to_frame(&self) -> Frame {
        let mut payload = Vec::new();
        let encoded = self.encode(Codec::Postcard, &mut payload);
        debug_assert!(
            encoded.is_ok(),
            "vectors, strings and numbers always encode"
        );
        Frame::new(Self::KIND, 0).with_payload(payload)
    }

    fn from_frame(frame: &Frame) -> Result<Self, Abort> {
        if frame.kind != Self::KIND {
            return Err(other_kind(frame.kind, Self::KIND));
        }
        let tag = TypeTag::of::<Self>();
        let encoded = Encoded::from_parts(frame.payload.clone(), Codec::Postcard, tag);
        encoded.decode().map_err(|error| malformed(&error))
    }
}

fn other_kind(came: Kind, due: Kind) -> Abort {
    let reason = format_args!("{due:?} is due, {came:?} came");
    Abort::new(Code::Malformed, reason)
}

fn malformed(error: &Error) -> Abort {
    Abort::new(Code::Malformed, error.report())
}

impl Body for Hello {
    const KIND: Kind = Kind::Hello;
}

impl Body for Challenge {
    const KIND: Kind = Kind::Challenge;
}

impl Body for Proof {
    const KIND: Kind = Kind::Proof;
}

impl Body for Welcome {
    const KIND: Kind = Kind::Welcome;
}

impl Hello {
    /// Checks the names.
    pub(crate) fn check(&self) -> Result<(), Abort> {
        check_name("the session", &self.session)?;
        check_name("the role", &self.role)?;
        // Put in one by one: sorting would take kilobytes of a wasm module.
        let mut known = Vec::with_capacity(1 + self.peers.len());
        known.push(self.role.as_str());
        for peer in &self.peers {
            check_name("a peer", peer)?;
            match known.binary_search(&peer.as_str()) {
                Err(place) => known.insert(place, peer),
                Ok(_) => {
                    let reason = format_args!("{peer} is listed twice, or as a peer of itself");
                    return Err(Abort::new(Code::Malformed, reason));
                }
            }
        }
        Ok(())
    }
}

/// Checks the name of a session or a role: 1 to [`MAX_NAME`] bytes and no control characters, for
/// names go into logs, errors and pages.
///
/// # Errors
/// [`Malformed`](Code::Malformed), and what is wrong with the name of `what`.
pub fn check_name(what: &str, name: &str) -> Result<(), Abort> {
    let wrong = if name.is_empty() {
        "is empty"
    } else if name.len() > MAX_NAME {
        "is longer than 64 bytes"
    } else if name.chars().any(char::is_control) {
        "has control characters"
    } else {
        return Ok(());
    };
    let reason = format_args!("the name of {what} {wrong}: “{name:.24}”");
    Err(Abort::new(Code::Malformed, reason))
}

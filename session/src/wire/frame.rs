use std::fmt;

use bytes::{Buf, Bytes, BytesMut};

use super::{Abort, Code, varint};

/// The version of the protocol that this crate speaks.
pub const VERSION: u8 = 1;

/// The most bytes that a frame has in front of its payload: two, and five numbers of at most ten.
pub const MAX_HEADER: usize = 2 + 5 * 10;

/// The most bytes of frames in one message of a transport, 64 KiB, unless one frame has more.
pub const MAX_BATCH: usize = 64 * 1024;

/// The most bytes that somebody may send before it is let in.
const MAX_GREETING: usize = 4 * 1024;

/// One unit of the session protocol.
///
/// On the wire: `version << 4 | kind`, flags, then as LEB128 numbers `peer`, `seq`, `ack`,
/// `credit` and the length of the payload, then the payload. One message of a transport carries one
/// or more frames.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Frame {
    /// What the frame is.
    pub kind: Kind,
    /// How it is meant.
    pub flags: Flags,
    /// The other role: where it goes to on the way to a relay, where it comes from on the way back.
    /// 0 is the connection itself; the roles that the HELLO listed follow from 1.
    pub peer: u32,
    /// The number of the message from this role to that peer, from 1; 0 in frames that have none.
    pub seq: u64,
    /// The number that the sender of the frame expects next from the peer: it has all below.
    pub ack: u64,
    /// The highest number that the peer may send.
    pub credit: u64,
    /// What it carries.
    pub payload: Bytes,
}

/// The kinds of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum Kind {
    /// A role asks to join or to resume a session.
    Hello = 0,
    /// The server asks for a proof.
    Challenge = 1,
    /// The role proves that it is the one that joined.
    Proof = 2,
    /// The role is let in.
    Welcome = 3,
    /// A message, or a part of one.
    Data = 4,
    /// What has arrived, and how much may come.
    #[default]
    Ack = 5,
    /// Asks for a sign of life.
    Ping = 6,
    /// The sign of life.
    Pong = 7,
    /// The last in a stream; of peer 0: the role leaves the session in order.
    Fin = 8,
    /// The session is over, and not in order.
    Abort = 9,
    /// The server goes away; come back later.
    GoAway = 10,
}

/// What is said about a frame besides its kind.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(u8);

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// They end within the frame.
    #[error("the bytes end within {0}")]
    Short(&'static str),
    /// Another version.
    #[error("version {0} of the session protocol where version {VERSION} is spoken")]
    Version(u8),
    /// No kind has this number.
    #[error("{0} is no kind of frame; there are 0 to 10")]
    Kind(u8),
    /// A flag that this version does not have.
    #[error("flags {0:#04x}; version {VERSION} has MORE 0x02, REWIND 0x04 and SYNC 0x08")]
    Flags(u8),
    /// A peer's number above 32 bits.
    #[error("peer {0} where a number below 2^32 is due")]
    Peer(u64),
    /// More payload than agreed.
    #[error("a payload of {declared} bytes where at most {limit} are allowed")]
    Size {
        /// What the frame says.
        declared: u64,
        /// What is allowed.
        limit: usize,
    },
}

impl Frame {
    /// A frame of that kind for that peer with all else empty.
    #[must_use]
    pub fn new(kind: Kind, peer: u32) -> Self {
        Self {
            kind,
            peer,
            ..Self::default()
        }
    }

    /// The same frame with a payload.
    #[must_use]
    pub fn with_payload(mut self, payload: impl Into<Bytes>) -> Self {
        self.payload = payload.into();
        self
    }

    /// Appends the frame to `out`.
    pub fn encode(&self, out: &mut BytesMut) {
        self.encode_with(&self.payload, out);
    }

    /// As [`encode`](Self::encode), with a payload that stays where it is.
    pub(crate) fn encode_with(&self, payload: &[u8], out: &mut BytesMut) {
        let mut header = [0; MAX_HEADER];
        header[0] = VERSION << 4 | self.kind as u8;
        header[1] = self.flags.0;
        let mut end = 2;
        let length = payload.len() as u64;
        for number in [self.peer.into(), self.seq, self.ack, self.credit, length] {
            end += varint::put(number, &mut header[end..]);
        }
        out.reserve(end + payload.len());
        out.extend_from_slice(&header[..end]);
        out.extend_from_slice(payload);
    }

    /// The frame by itself.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        self.encode(&mut out);
        out.freeze()
    }

    /// Takes one frame off the front of `from`; `Ok(None)` when nothing is left. The payload is a
    /// part of `from`, not a copy, and nothing is allocated.
    ///
    /// # Errors
    /// When the bytes are no frame, or its payload is above `limit` bytes. What is left in `from`
    /// is then of no use.
    pub fn decode(from: &mut Bytes, limit: usize) -> Result<Option<Self>, FrameError> {
        let Some((&first, mut rest)) = from.split_first() else {
            return Ok(None);
        };
        if first >> 4 != VERSION {
            return Err(FrameError::Version(first >> 4));
        }
        let kind = Kind::from_number(first & 0xf).ok_or(FrameError::Kind(first & 0xf))?;
        let (&flags, numbers) = rest.split_first().ok_or(FrameError::Short("the flags"))?;
        rest = numbers;
        let flags = Flags(flags);
        if !Flags::ALL.contains(flags) {
            return Err(FrameError::Flags(flags.0));
        }
        let mut number = |what| varint::take(&mut rest).ok_or(FrameError::Short(what));
        let peer = number("the peer's number")?;
        let (seq, ack) = (number("the sequence number")?, number("the ack")?);
        let (credit, declared) = (number("the credit")?, number("the length")?);
        let length = usize::try_from(declared)
            .ok()
            .filter(|length| *length <= limit);
        let length = length.ok_or(FrameError::Size { declared, limit })?;
        if length > rest.len() {
            return Err(FrameError::Short("the payload"));
        }
        let header = from.len() - rest.len();
        from.advance(header);
        Ok(Some(Self {
            kind,
            flags,
            peer: u32::try_from(peer).map_err(|_| FrameError::Peer(peer))?,
            seq,
            ack,
            credit,
            payload: from.split_to(length),
        }))
    }

    /// What somebody sends who is not let in yet: one frame, and nothing else, of at most 4 KiB.
    ///
    /// # Errors
    /// What is wrong with it, for the one that sent it.
    pub fn greeting(mut bytes: Bytes) -> Result<Self, Abort> {
        if bytes.len() > MAX_GREETING {
            let reason = format_args!("{} bytes before being let in", bytes.len());
            return Err(Abort::new(Code::TooLarge, reason));
        }
        let frame = Self::decode(&mut bytes, MAX_GREETING)?;
        let frame = frame.filter(|_| bytes.is_empty());
        frame.ok_or_else(|| Abort::new(Code::Malformed, "one frame is due"))
    }
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Hello,
        Self::Challenge,
        Self::Proof,
        Self::Welcome,
        Self::Data,
        Self::Ack,
        Self::Ping,
        Self::Pong,
        Self::Fin,
        Self::Abort,
        Self::GoAway,
    ];

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

impl Flags {
    /// The message goes on in the next frame.
    pub const MORE: Self = Self(0x02);
    /// Send again from `ack` on.
    pub const REWIND: Self = Self(0x04);
    /// Answer with an ACK, so that both ends know where they are.
    pub const SYNC: Self = Self(0x08);
    const ALL: Self = Self(0x0e);

    /// Whether all of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [
            (Self::MORE, "MORE"),
            (Self::REWIND, "REWIND"),
            (Self::SYNC, "SYNC"),
        ];
        let names = named.iter().filter(|(flag, _)| self.contains(*flag));
        f.debug_set().entries(names.map(|(_, name)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: usize = 64 * 1024;

    fn frame() -> impl Strategy<Value = Frame> {
        let numbers = (any::<u32>(), any::<u64>(), any::<u64>(), any::<u64>());
        let payload = proptest::collection::vec(any::<u8>(), 0..200);
        (0..11_u8, 0..8_u8, numbers, payload).prop_map(|(kind, flags, numbers, payload)| {
            let (peer, seq, ack, credit) = numbers;
            Frame {
                kind: Kind::from_number(kind).unwrap(),
                flags: Flags(flags << 1),
                peer,
                seq,
                ack,
                credit,
                payload: payload.into(),
            }
        })
    }

    proptest! {
        #[test]
        fn frames_come_back_as_they_were(frames in proptest::collection::vec(frame(), 0..5)) {
            let mut out = BytesMut::new();
            frames.iter().for_each(|frame| frame.encode(&mut out));
            let mut bytes = out.freeze();
            for frame in frames {
                prop_assert_eq!(Frame::decode(&mut bytes, LIMIT), Ok(Some(frame)));
            }
            prop_assert_eq!(Frame::decode(&mut bytes, LIMIT), Ok(None));
        }

        #[test]
        fn any_bytes_are_frames_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut bytes = Bytes::from(bytes);
            while let Ok(Some(frame)) = Frame::decode(&mut bytes, 64) {
                prop_assert!(frame.payload.len() <= 64);
            }
        }

        #[test]
        fn a_frame_that_is_cut_is_an_error(frame in frame(), at in any::<prop::sample::Index>()) {
            let bytes = frame.to_bytes();
            let mut cut = bytes.slice(..at.index(bytes.len()));
            if !cut.is_empty() {
                prop_assert!(matches!(Frame::decode(&mut cut, LIMIT), Err(FrameError::Short(_))));
            }
        }
    }

    #[test]
    fn a_declared_length_of_two_to_the_63_is_refused() {
        let mut bytes = vec![VERSION << 4 | Kind::Data as u8, 0, 1, 1, 0, 0];
        bytes.resize(16, 0);
        varint::put(1 << 63, &mut bytes[6..]);
        let error = Frame::decode(&mut Bytes::from(bytes), LIMIT).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a payload of 9223372036854775808 bytes where at most 65536 are allowed"
        );
    }

    #[test]
    fn other_versions_kinds_and_flags_are_named() {
        let decode = |bytes: &'static [u8]| Frame::decode(&mut Bytes::from_static(bytes), LIMIT);
        assert_eq!(decode(&[0x25, 0]), Err(FrameError::Version(2)));
        assert_eq!(decode(&[0x1b, 0]), Err(FrameError::Kind(11)));
        assert_eq!(decode(&[0x15, 0x10]), Err(FrameError::Flags(0x10)));
        assert_eq!(
            format!("{:?}", Flags::MORE.with(Flags::SYNC)),
            r#"{"MORE", "SYNC"}"#
        );
    }
}

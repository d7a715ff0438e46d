//! What travels: one header with each request, and records in the bodies.
//!
//! | request | header `choreo-v1` | body | answer |
//! |---|---|---|---|
//! | `POST` | `open ID` | none | 204: the connection is there, the first time and each time |
//! | `POST` | `send ID FIRST NEXT` | records, of which `FIRST` is the number of the first | 204: how far they were taken; 200: the same, and records |
//! | `GET` | `stream ID TURN NEXT` | none | 200: records from `NEXT` on, for as long as it lasts |
//! | `GET` | `poll ID TURN NEXT` | none | 200: the records that are there, once there is one |
//!
//! `ID` is 128 random bits, by which the client names its connection: who knows it owns it. Each
//! direction counts its frames from 0, and its end as the last. `NEXT` is the number that the client
//! expects, and so acknowledges all before it; the header of an answer is the number that the server
//! expects. So a request may be repeated, and is when its answer was lost. `TURN` counts the `GET`s:
//! a newer one supersedes the one before.
//!
//! What comes down comes by the `GET`s, without gaps. An answer to what was sent, if it is there at
//! once, goes with the answer to its `POST` as well: only if the client has not acknowledged it soon
//! after does it come by a `GET`, too.

use std::fmt;

use choreo_core::{Bytes, BytesMut};

/// The name of the header, of requests and of answers.
pub(crate) const HEADER: &str = "choreo-v1";
/// What the bodies are.
pub(crate) const CONTENT_TYPE: &str = "application/octet-stream";

/// Names a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Id(pub(crate) u128);

/// The header of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) id: Id,
    pub(crate) ask: Ask,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// To open the connection.
    Open,
    /// To take records.
    Send { first: u64, next: u64 },
    /// To give records, now and as they come.
    Stream { turn: u64, next: u64 },
    /// To give the records that are there, or will be soon.
    Poll { turn: u64, next: u64 },
}

/// One of those that are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Frame(Bytes),
    /// The sender has closed.
    End,
}

/// The length that stands for [`Item::End`].
const END: u32 = u32::MAX;
/// The length that stands for nothing: it shows that bytes get through.
pub(crate) const FILLER: u32 = u32::MAX - 1;
/// The length that asks the other side to acknowledge what it has.
pub(crate) const TELL: u32 = u32::MAX - 2;
/// The length that says, in eight bytes, the number of the next item.
pub(crate) const AT: u32 = u32::MAX - 3;
/// How many bytes say the length.
const LENGTH: usize = 4;
/// How many bytes say a number.
const NUMBER: usize = 8;

impl Item {
    pub(crate) fn encoded_len(&self) -> usize {
        match self {
            Self::Frame(frame) => LENGTH + frame.len(),
            Self::End => LENGTH,
        }
    }

    pub(crate) fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Frame(frame) => {
                // Frames have a limit far below.
                let length = u32::try_from(frame.len()).unwrap_or(AT - 1);
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(frame);
            }
            Self::End => out.extend_from_slice(&END.to_be_bytes()),
        }
    }
}

/// What a body consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Item(Item),
    /// The other side wants to know what has arrived.
    Ask,
    /// The next item has this number, and not that after the last one.
    At(u64),
}

/// Cuts a body into records, as its bytes come.
#[derive(Default)]
pub(crate) struct Decoder {
    bytes: BytesMut,
}

/// The body has something else in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLarge(pub(crate) usize);

impl Decoder {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next record, if it is there wholly.
    ///
    /// # Errors
    /// A frame above the limit; there is no next record then.
    pub(crate) fn next(&mut self, max_frame: usize) -> Result<Option<Record>, TooLarge> {
        while let Some(length) = self.bytes.first_chunk::<LENGTH>() {
            let length = u32::from_be_bytes(*length);
            let size = match length {
                END | FILLER | TELL => 0,
                AT => NUMBER,
                length => length as usize,
            };
            if length < AT && size > max_frame {
                return Err(TooLarge(size));
            }
            if self.bytes.len() < LENGTH + size {
                break;
            }
            let _ = self.bytes.split_to(LENGTH);
            let frame = self.bytes.split_to(size).freeze();
            return Ok(Some(match length {
                FILLER => continue,
                TELL => Record::Ask,
                AT => Record::At(
                    frame
                        .iter()
                        .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
                ),
                END => Record::Item(Item::End),
                _ => Record::Item(Item::Frame(frame)),
            }));
        }
        Ok(None)
    }

    /// Whether nothing is left over.
    #[cfg_attr(
        any(target_arch = "wasm32", not(feature = "axum")),
        allow(dead_code, reason = "servers look")
    )]
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl Ask {
    /// Whether it is a `POST`, and no `GET`.
    pub(crate) fn posts(&self) -> bool {
        matches!(self, Self::Open | Self::Send { .. })
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, numbers) = match self.ask {
            Ask::Open => ("open", None),
            Ask::Send { first, next } => ("send", Some((first, next))),
            Ask::Stream { turn, next } => ("stream", Some((turn, next))),
            Ask::Poll { turn, next } => ("poll", Some((turn, next))),
        };
        write!(f, "{word} {:032x}", self.id.0)?;
        match numbers {
            Some((one, other)) => write!(f, " {one} {other}"),
            None => Ok(()),
        }
    }
}

/// Who knows it owns the connection, so it is not shown.
impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Id(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_back_whatever_the_pieces() {
        let items = [
            Item::Frame(Bytes::from_static(b"one")),
            Item::Frame(Bytes::new()),
            Item::Frame(Bytes::from(vec![7; 300])),
            Item::End,
        ];
        let mut body = BytesMut::new();
        for item in &items {
            body.extend_from_slice(&FILLER.to_be_bytes());
            let before = body.len();
            item.encode(&mut body);
            assert_eq!(body.len() - before, item.encoded_len());
        }
        body.extend_from_slice(&TELL.to_be_bytes());
        body.extend_from_slice(&AT.to_be_bytes());
        body.extend_from_slice(&(u64::MAX - 1).to_be_bytes());
        for piece in [1, 3, 64, body.len()] {
            let mut decoder = Decoder::default();
            let mut decoded = Vec::new();
            for piece in body.chunks(piece) {
                decoder.push(piece);
                while let Some(record) = decoder.next(300).unwrap() {
                    decoded.push(record);
                }
            }
            assert_eq!(decoded.pop(), Some(Record::At(u64::MAX - 1)));
            assert_eq!(decoded.pop(), Some(Record::Ask));
            assert_eq!(decoded, items.clone().map(Record::Item));
            assert!(decoder.is_empty());
        }
    }

    #[test]
    fn a_frame_above_the_limit_is_refused_by_its_length_alone() {
        let mut decoder = Decoder::default();
        decoder.push(&301_u32.to_be_bytes());
        assert_eq!(decoder.next(300), Err(TooLarge(301)));
    }
}

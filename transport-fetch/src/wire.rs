//! What travels: one header with each request, and records in the bodies.
//!
//! | request | header `choreo-v1` | body | answer |
//! |---|---|---|---|
//! | `POST` | `open ID` | none | 204: the connection is there, the first time and each time |
//! | `POST` | `send ID FIRST NEXT` | records, of which `FIRST` is the number of the first | 204: how far they were taken |
//! | `GET` | `stream ID TURN NEXT` | none | 200: records from `NEXT` on, for as long as it lasts |
//! | `GET` | `poll ID TURN NEXT` | none | 200: the records that are there, once there is one |
//!
//! `ID` is 128 random bits, by which the client names its connection: who knows it owns it. Each
//! direction counts its frames from 0, and its end as the last. `NEXT` is the number that the client
//! expects, and so acknowledges all before it; the header of an answer is the number that the server
//! expects. So a request may be repeated, and is when its answer was lost. `TURN` counts the `GET`s:
//! a newer one supersedes the one before.

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
const FILLER: u32 = u32::MAX - 1;
/// The length that asks the other side to acknowledge what it has.
const TELL: u32 = u32::MAX - 2;
/// How many bytes say the length.
const LENGTH: usize = 4;
/// Nothing at all, as a body.
#[cfg_attr(target_arch = "wasm32", allow(dead_code, reason = "servers send it"))]
pub(crate) const NOTHING: [u8; LENGTH] = FILLER.to_be_bytes();
/// Asks for an acknowledgement, as a body.
#[cfg_attr(target_arch = "wasm32", allow(dead_code, reason = "servers send it"))]
pub(crate) const ASK: [u8; LENGTH] = TELL.to_be_bytes();

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
                let length = u32::try_from(frame.len()).unwrap_or(TELL - 1);
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
                length => length as usize,
            };
            if size > max_frame {
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
                END => Record::Item(Item::End),
                _ => Record::Item(Item::Frame(frame)),
            }));
        }
        Ok(None)
    }

    /// Whether nothing is left over.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl Head {
    /// The header's value in a request, if it is one.
    #[cfg_attr(target_arch = "wasm32", allow(dead_code, reason = "servers read it"))]
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let mut words = value.split(' ');
        let ask = words.next()?;
        let id = Id::parse(words.next()?)?;
        let mut number = || words.next()?.parse::<u64>().ok();
        let ask = match ask {
            "open" => Ask::Open,
            "send" => Ask::Send {
                first: number()?,
                next: number()?,
            },
            "stream" => Ask::Stream {
                turn: number()?,
                next: number()?,
            },
            "poll" => Ask::Poll {
                turn: number()?,
                next: number()?,
            },
            _ => return None,
        };
        words.next().is_none().then_some(Self { id, ask })
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

impl Id {
    fn parse(text: &str) -> Option<Self> {
        let hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = u128::from_str_radix(text, 16).ok()?;
        hex.then_some(Self(id))
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
    fn heads_come_back() {
        for ask in [
            Ask::Open,
            Ask::Send { first: 0, next: 7 },
            Ask::Stream {
                turn: 1,
                next: u64::MAX,
            },
            Ask::Poll { turn: 2, next: 3 },
        ] {
            let head = Head { id: Id(5), ask };
            assert_eq!(Head::parse(&head.to_string()), Some(head));
        }
    }

    #[test]
    fn other_heads_are_none() {
        let id = "0123456789abcdef0123456789abcdef";
        for bad in [
            String::new(),
            "open".to_owned(),
            "open 12".to_owned(),
            format!("open +{}", &id[1..]),
            format!("open {id} 1"),
            format!("close {id}"),
            format!("send {id} 1"),
            format!("send {id} 1 -1"),
            format!("send {id} 1 18446744073709551616"),
            format!("stream {id} 1 2 3"),
            format!("open  {id}"),
        ] {
            assert_eq!(Head::parse(&bad), None, "{bad}");
        }
    }

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
            body.extend_from_slice(&NOTHING);
            let before = body.len();
            item.encode(&mut body);
            assert_eq!(body.len() - before, item.encoded_len());
        }
        body.extend_from_slice(&ASK);
        for piece in [1, 3, 64, body.len()] {
            let mut decoder = Decoder::default();
            let mut decoded = Vec::new();
            for piece in body.chunks(piece) {
                decoder.push(piece);
                while let Some(record) = decoder.next(300).unwrap() {
                    decoded.push(record);
                }
            }
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

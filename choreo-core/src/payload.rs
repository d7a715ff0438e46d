use bytes::{Buf, BufMut, Bytes};

use crate::message::with_buffer;
use crate::{Codec, Encoded, Error, ErrorKind, Label, Message, Result, TypeTag};

/// What a role sends: a message or a label. Cheap to copy.
#[derive(Clone, Copy)]
pub enum Outgoing<'a> {
    /// A message, not encoded yet.
    Message(&'a dyn Message),
    /// The label of a choice.
    Label(&'a str),
}

/// What a role receives.
///
/// A handler gives what came; the typed end ([`ChoreoHandlerExt`](crate::ChoreoHandlerExt)) turns
/// the wrong kind into an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A message, not decoded yet.
    Message(Encoded),
    /// The label of a choice.
    Label(Label),
}

const LABEL: u8 = 0;
/// Codec and type tag, before a message's bytes.
const MESSAGE_HEADER: usize = 1 + 4;

impl Outgoing<'_> {
    /// What the peer in the same process receives.
    ///
    /// # Errors
    /// [`Encode`](ErrorKind::Encode) when the message does not serialise.
    pub fn to_incoming(self, codec: Codec) -> Result<Incoming> {
        match self {
            Self::Message(message) => Encoded::new(message, codec).map(Incoming::Message),
            Self::Label(label) => Ok(Incoming::Label(Label::from(label.to_owned()))),
        }
    }

    /// One self-contained frame for a byte transport; [`Incoming::from_frame`] reads it.
    ///
    /// ```
    /// use choreo_core::{Codec, Incoming, Outgoing};
    ///
    /// let frame = Outgoing::Message(&"hello").to_frame(Codec::default())?;
    /// let Incoming::Message(message) = Incoming::from_frame(frame)? else { panic!() };
    /// assert_eq!(message.decode::<String>()?, "hello");
    /// # Ok::<(), choreo_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Encode`](ErrorKind::Encode) when the message does not serialise.
    pub fn to_frame(self, codec: Codec) -> Result<Bytes> {
        with_buffer(|out| match self {
            Self::Message(message) => {
                out.put_u8(codec.id());
                out.put_u32(message.type_tag().hash());
                message.encode(codec, out)
            }
            Self::Label(label) => {
                out.put_u8(LABEL);
                out.put_slice(label.as_bytes());
                Ok(())
            }
        })
    }
}

impl Incoming {
    /// Reads a frame made by [`Outgoing::to_frame`] in a codec that is built in. The bytes may come
    /// from anyone.
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode) when the bytes are no such frame.
    pub fn from_frame(frame: Bytes) -> Result<Self> {
        Self::from_frame_with(frame, Codec::default())
    }

    /// Reads a frame made by [`Outgoing::to_frame`] in this codec, or in one that is built in. The
    /// bytes may come from anyone.
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode) when the bytes are no such frame.
    pub fn from_frame_with(mut frame: Bytes, codec: Codec) -> Result<Self> {
        let malformed =
            |what: String| Error::new(ErrorKind::Decode, format!("frame refused: {what}"));
        if frame.is_empty() {
            return Err(malformed("it is empty".into()));
        }
        match frame.get_u8() {
            LABEL => match std::str::from_utf8(&frame) {
                Ok(label) => Ok(Self::Label(Label::from(label.to_owned()))),
                Err(_) => Err(malformed("its label is not UTF-8".into())),
            },
            id => {
                let codec = codec
                    .known(id)
                    .ok_or_else(|| malformed(codec.unknown(id)))?;
                if frame.len() < MESSAGE_HEADER - 1 {
                    return Err(malformed(format!(
                        "it ends within its header of {MESSAGE_HEADER} bytes"
                    )));
                }
                let tag = TypeTag::from_hash(frame.get_u32());
                Ok(Self::Message(Encoded::from_parts(frame, codec, tag)))
            }
        }
    }

    /// The payload as a role takes it that sends in `codec`: in that one, or in one that is built in.
    /// For handlers that need no frames.
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode) when it is a message in another.
    pub fn known_to(self, codec: Codec) -> Result<Self> {
        #[cfg(feature = "codecs")]
        if let Self::Message(message) = &self
            && let came @ Codec::Custom(_) = message.codec()
            && came != codec
        {
            let why = crate::custom_codec::unknown(codec, came.id(), "no codec");
            let detail = format!("message refused: {why}");
            return Err(Error::new(ErrorKind::Decode, detail));
        }
        // There are no others.
        #[cfg(not(feature = "codecs"))]
        let _ = codec;
        Ok(self)
    }

    /// The message.
    ///
    /// # Errors
    /// [`Protocol`](ErrorKind::Protocol) when it is a label.
    pub fn into_message(self) -> Result<Encoded> {
        match self {
            Self::Message(message) => Ok(message),
            Self::Label(label) => Err(Error::unexpected(
                "a message",
                format_args!("the label `{label}`"),
            )),
        }
    }

    /// The label.
    ///
    /// # Errors
    /// [`Protocol`](ErrorKind::Protocol) when it is a message.
    pub fn into_label(self) -> Result<Label> {
        match self {
            Self::Label(label) => Ok(label),
            Self::Message(message) => Err(Error::unexpected(
                "a label",
                format_args!("a message of type {}", message.type_tag()),
            )),
        }
    }
}

use std::fmt;

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(feature = "codecs")]
use crate::CustomCodec;
use crate::{Error, ErrorKind, Result, TypeTag};

/// How a message becomes bytes.
///
/// A role sends in one codec. It receives in that one, and in those that are built in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// [postcard](https://postcard.jamesmunns.com/wire-format): compact, not self-describing.
    #[default]
    Postcard,
    /// Somebody's own: `CODEC` of `choreo-codec-json`, for example.
    #[cfg(feature = "codecs")]
    Custom(&'static CustomCodec),
}

impl Codec {
    /// The number that stands for the codec in a frame.
    #[must_use]
    pub const fn id(self) -> u8 {
        match self {
            Self::Postcard => 1,
            #[cfg(feature = "codecs")]
            Self::Custom(codec) => codec.id(),
        }
    }

    /// The codec of that number, if it is built in.
    #[must_use]
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            1 => Some(Self::Postcard),
            _ => None,
        }
    }

    /// The codec of that number as a role knows it that sends in this one: this one, or one that is
    /// built in.
    ///
    /// ```
    /// use choreo_core::Codec;
    ///
    /// assert_eq!(Codec::default().known(1), Some(Codec::Postcard));
    /// assert_eq!(Codec::default().known(2), None);
    /// ```
    #[must_use]
    pub const fn known(self, id: u8) -> Option<Self> {
        #[cfg(feature = "codecs")]
        if self.id() == id {
            return Some(self);
        }
        Self::from_id(id)
    }

    /// Its name: `postcard`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postcard => "postcard",
            #[cfg(feature = "codecs")]
            Self::Custom(codec) => codec.name(),
        }
    }

    /// Why a frame that begins with that number is refused.
    pub(crate) fn unknown(self, id: u8) -> String {
        #[cfg(feature = "codecs")]
        return crate::custom_codec::unknown(self, id, "neither a label's mark nor a codec");
        #[cfg(not(feature = "codecs"))]
        format!("{id} is neither a label's mark nor a codec")
    }

    /// Appends the encoded value.
    pub(crate) fn encode<T: Serialize + ?Sized>(self, value: &T, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Postcard => postcard::serialize_with_flavor(value, Append(out)).map_err(|_| {
                let tag = TypeTag::of::<T>();
                Error::new(ErrorKind::Encode, format!("a {tag} does not serialise"))
            }),
            #[cfg(feature = "codecs")]
            Self::Custom(codec) => codec.encode(value, out),
        }
    }

    /// Decodes a value that takes up all of `bytes`.
    pub(crate) fn decode<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T> {
        match self {
            Self::Postcard => {
                let (left, error) = match postcard::take_from_bytes(bytes) {
                    Ok((value, [])) => return Ok(value),
                    Ok((_, rest)) => (rest.len(), None),
                    Err(error) => (0, Some(error)),
                };
                let tag = TypeTag::of::<T>();
                Err(malformed(tag, bytes.len(), left, error))
            }
            #[cfg(feature = "codecs")]
            Self::Custom(codec) => codec.decode(bytes),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// So many bytes are no value: some are left over, or there is an error.
#[cold]
fn malformed(tag: TypeTag, all: usize, left: usize, error: Option<postcard::Error>) -> Error {
    let Some(error) = error else {
        let detail = format!("{left} of {all} bytes are left over after a {tag}");
        return Error::new(ErrorKind::Decode, detail);
    };
    let detail = format!("{all} bytes are not a {tag}");
    // In few words: those of postcard's error would be a kilobyte of each module.
    Error::new(ErrorKind::Decode, detail).with_source(match error {
        postcard::Error::DeserializeUnexpectedEnd => Malformed::EndsEarly,
        _ => Malformed::NoValue,
    })
}

/// Why bytes are no value.
#[derive(Debug)]
enum Malformed {
    EndsEarly,
    NoValue,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndsEarly => "they end too early",
            Self::NoValue => "they hold what is none of its values",
        })
    }
}

impl std::error::Error for Malformed {}

/// Lets postcard write to the end of a buffer that is reused.
struct Append<'a>(&'a mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

use std::fmt;

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind, Result};

/// How a message becomes bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// [postcard](https://postcard.jamesmunns.com/wire-format): compact, not self-describing.
    #[default]
    Postcard,
}

impl Codec {
    /// The number that stands for the codec in a frame.
    #[must_use]
    pub const fn id(self) -> u8 {
        match self {
            Self::Postcard => 1,
        }
    }

    /// The codec of that number, if there is one.
    #[must_use]
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            1 => Some(Self::Postcard),
            _ => None,
        }
    }

    /// Appends the encoded value.
    pub(crate) fn encode<T: Serialize + ?Sized>(self, value: &T, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Postcard => postcard::serialize_with_flavor(value, Append(out))
                .map_err(|error| failed(ErrorKind::Encode, value, error)),
        }
    }

    /// Decodes a value that takes up all of `bytes`.
    pub(crate) fn decode<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T> {
        match self {
            Self::Postcard => match postcard::take_from_bytes(bytes) {
                Ok((value, [])) => Ok(value),
                Ok((_, rest)) => Err(Error::new(
                    ErrorKind::Decode,
                    format!(
                        "{} of {} bytes are left over after a {}",
                        rest.len(),
                        bytes.len(),
                        crate::TypeTag::of::<T>()
                    ),
                )),
                Err(error) => Err(Error::new(
                    ErrorKind::Decode,
                    format!(
                        "{} bytes are not a {}",
                        bytes.len(),
                        crate::TypeTag::of::<T>()
                    ),
                )
                .with_source(error)),
            },
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postcard => "postcard",
        })
    }
}

fn failed<T: ?Sized>(kind: ErrorKind, _: &T, error: postcard::Error) -> Error {
    Error::new(
        kind,
        format!("a {} does not serialise", crate::TypeTag::of::<T>()),
    )
    .with_source(error)
}

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

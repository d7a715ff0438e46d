use std::fmt;
use std::hash::{Hash, Hasher};

use serde::de::DeserializeOwned;
use serde::{Deserializer, Serialize};

use crate::{Codec, Error, ErrorKind, Result, TypeTag};

/// A format of one's own for messages.
///
/// It serves any type that serde knows, so messages come to it as `dyn` values. That takes longer
/// than the codecs that are built in, each of which is compiled for every type.
///
/// # The contract
/// - What was encoded is decoded as the same, for every type that serde derives.
/// - A message is written behind what is in the buffer, and the same bytes whatever that is.
/// - Equal messages are equal bytes. Replays of recorded runs are held against the record so.
/// - A message that does not serialise is an error.
/// - A message takes up all of its bytes: bytes that end early, or go on behind it, are an error.
/// - The bytes may come from anyone: nothing panics, nothing is allocated only because a length
///   was announced, and nesting without end is an error before the stack is.
/// - An error is short, however deep what is wrong lies. It goes up as text level by level, so one
///   that quotes the one below it as `Debug` does would double each time.
///
/// `choreo_testkit::codec_suite!` turns them into tests, in one line; how deep a format nests, and
/// what it allocates, its own tests say.
///
/// # A whole codec
/// JSON as it comes from `serde_json`; `choreo-codec-json` is not much more:
///
/// ```
/// use choreo_core::{Codec, CustomCodec, Encoded, Format, FormatError, Target, erased_serde};
/// use serde::Serialize;
///
/// struct Json;
///
/// impl Format for Json {
///     fn encode(
///         &self,
///         message: &dyn erased_serde::Serialize,
///         out: &mut Vec<u8>,
///     ) -> Result<(), FormatError> {
///         message.serialize(&mut serde_json::Serializer::new(out))?;
///         Ok(())
///     }
///
///     fn decode(&self, bytes: &[u8], into: &mut Target<'_>) -> Result<(), FormatError> {
///         let mut json = serde_json::Deserializer::from_slice(bytes);
///         into.read(&mut json)?;
///         Ok(json.end()?)
///     }
/// }
///
/// static JSON: CustomCodec = CustomCodec::new(200, "my-json", &Json);
/// pub const CODEC: Codec = Codec::Custom(&JSON);
///
/// let encoded = Encoded::new(&("hello", 7), CODEC)?;
/// assert_eq!(&encoded.bytes()[..], br#"["hello",7]"#);
/// assert_eq!(encoded.decode::<(String, i32)>()?, ("hello".to_owned(), 7));
/// # Ok::<(), choreo_core::Error>(())
/// ```
pub trait Format: Send + Sync + 'static {
    /// Appends the encoded message to `out`, which may hold other bytes already.
    ///
    /// # Errors
    /// When it does not serialise. `out` may then hold a part of it.
    fn encode(
        &self,
        message: &dyn erased_serde::Serialize,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError>;

    /// Reads a message that takes up all of `bytes`, which may come from anyone.
    ///
    /// # Errors
    /// When the bytes are no such message, more than one, or nested without end.
    fn decode(&self, bytes: &[u8], into: &mut Target<'_>) -> Result<(), FormatError>;
}

/// Object safety is part of the contract.
const _: fn(&dyn Format) = |_| {};

/// Why a [`Format`] refuses a message. The type of the message is named around it.
pub type FormatError = Box<dyn std::error::Error + Send + Sync>;

/// Where a [`Format`] puts the message that it reads.
pub struct Target<'a> {
    read: &'a mut Reader<'a>,
}

type Reader<'a> =
    dyn FnMut(&mut dyn erased_serde::Deserializer<'_>) -> Result<(), erased_serde::Error> + 'a;

impl Target<'_> {
    /// Reads the message.
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn read<'de>(
        &mut self,
        deserializer: impl Deserializer<'de>,
    ) -> Result<(), erased_serde::Error> {
        (self.read)(&mut <dyn erased_serde::Deserializer<'de>>::erase(
            deserializer,
        ))
    }
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").finish_non_exhaustive()
    }
}

/// A codec of one's own: a [`Format`] with a number and a name. A static, for [`Codec::Custom`].
///
/// Two of one number are equal.
pub struct CustomCodec {
    id: u8,
    name: &'static str,
    format: &'static dyn Format,
}

/// The codecs of choreo's that are not built in.
const OURS: [(u8, &str); 1] = [(2, "json")];

impl CustomCodec {
    /// A codec of that number, by which frames name it, and that name, for errors.
    ///
    /// Numbers below 128 are choreo's own: 0 is a label's, 1 postcard, 2 JSON. From 128 on they are
    /// anybody's; whoever speaks with each other agrees about them.
    ///
    /// # Panics
    /// For 0 and 1, while the static is compiled.
    #[must_use]
    pub const fn new(id: u8, name: &'static str, format: &'static dyn Format) -> Self {
        assert!(id > 1, "0 is the number of labels, 1 that of postcard");
        Self { id, name, format }
    }

    /// The number that stands for the codec in a frame.
    #[must_use]
    pub const fn id(&self) -> u8 {
        self.id
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn encode<T: Serialize + ?Sized>(&self, value: &T, out: &mut Vec<u8>) -> Result<()> {
        self.format.encode(&value, out).map_err(|why| {
            let (tag, name) = (TypeTag::of::<T>(), self.name);
            let detail = format!("a {tag} does not serialise as {name}");
            Error::new(ErrorKind::Encode, detail).with_source(why)
        })
    }

    pub(crate) fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T> {
        let mut value = None;
        let mut read = |deserializer: &mut dyn erased_serde::Deserializer<'_>| {
            value = Some(erased_serde::deserialize(deserializer)?);
            Ok(())
        };
        let decoded = self.format.decode(bytes, &mut Target { read: &mut read });
        let why = match (decoded, value) {
            (Ok(()), Some(value)) => return Ok(value),
            (Ok(()), None) => FormatError::from("the codec has read nothing"),
            (Err(why), _) => why,
        };
        let (tag, name, length) = (TypeTag::of::<T>(), self.name, bytes.len());
        let detail = format!("{length} bytes are not a {tag} in {name}");
        Err(Error::new(ErrorKind::Decode, detail).with_source(why))
    }
}

impl PartialEq for CustomCodec {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for CustomCodec {}

impl Hash for CustomCodec {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl fmt::Debug for CustomCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomCodec({} {})", self.id, self.name)
    }
}

/// Says of a number that it is none of a role's codecs, which sends in `own`, and what there is.
pub(crate) fn unknown(own: Codec, id: u8, is: &str) -> String {
    let name = OURS.iter().find(|(number, _)| *number == id);
    let name = name.map_or_else(String::new, |(_, name)| format!(" ({name})"));
    let own = match own {
        Codec::Postcard => String::new(),
        own => format!(", {own}"),
    };
    let built_in = Codec::Postcard;
    format!(
        "{id}{name} is {is} that is known here; there are: {built_in}{own}; \
         give both ends the same (`with_codec`)"
    )
}

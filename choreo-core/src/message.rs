use std::cell::Cell;
use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Codec, Error, Result};

/// A message on its way out: any value that serialises, behind one object-safe trait.
///
/// Implemented for every `T: Serialize + Send + Sync`. A layer that changes or watches what goes
/// out implements it for a wrapper of its own around the `&dyn Message` that it was given:
///
/// ```
/// use choreo_core::{Codec, Message, Result, TypeTag, erased_serde};
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// /// Notes how many bytes the message took.
/// struct Sized_<'a>(&'a dyn Message, AtomicUsize);
///
/// impl Message for Sized_<'_> {
///     fn type_tag(&self) -> TypeTag { self.0.type_tag() }
///     fn as_serialize(&self) -> &dyn erased_serde::Serialize { self.0.as_serialize() }
///     fn encode(&self, codec: Codec, out: &mut Vec<u8>) -> Result<()> {
///         let before = out.len();
///         self.0.encode(codec, out)?;
///         self.1.store(out.len() - before, Ordering::Relaxed);
///         Ok(())
///     }
/// }
///
/// let message = Sized_(&"hello", AtomicUsize::new(0));
/// message.encode(Codec::Postcard, &mut Vec::new()).unwrap();
/// assert_eq!(message.1.into_inner(), 6);
/// ```
///
/// Byte payloads should travel as bytes (`serde_bytes`, or `Bytes` with the `serde` feature):
/// serde takes a plain `Vec<u8>` apart number by number.
pub trait Message: Send + Sync {
    /// What type the message is, for the receiver to check.
    fn type_tag(&self) -> TypeTag;

    /// Appends the encoded message to `out`, in one virtual call to code for the static type.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode) when the value does not serialise. `out` may then hold
    /// a part of it.
    fn encode(&self, codec: Codec, out: &mut Vec<u8>) -> Result<()>;

    /// The message as data to look into, for layers that show it. Several times slower than
    /// [`encode`](Self::encode): not for moving messages.
    fn as_serialize(&self) -> &dyn erased_serde::Serialize;
}

impl<T: Serialize + Send + Sync> Message for T {
    fn type_tag(&self) -> TypeTag {
        TypeTag::of::<T>()
    }

    fn encode(&self, codec: Codec, out: &mut Vec<u8>) -> Result<()> {
        codec.encode(self, out)
    }

    fn as_serialize(&self) -> &dyn erased_serde::Serialize {
        self
    }
}

/// What type a message says it is.
///
/// Most codecs are not self-describing: a `u64` read as a `u16` is a wrong number, not an error.
/// So every message carries its type's tag. Types match when they are called the same, whatever
/// module they live in: two programs that both include a `Ping` understand each other. A
/// reference counts as what it refers to, and a `str` as a `String`.
///
/// ```
/// use choreo_core::TypeTag;
///
/// assert_eq!(TypeTag::of::<&str>(), TypeTag::of::<String>());
/// assert_ne!(TypeTag::of::<u64>(), TypeTag::of::<u16>());
/// assert_eq!(TypeTag::of::<Option<String>>().to_string(), "Option<String>");
/// ```
#[derive(Clone, Copy)]
pub struct TypeTag(Tag);

#[derive(Clone, Copy)]
enum Tag {
    Name(&'static str),
    Hash(u32),
}

impl TypeTag {
    /// The tag of a type.
    #[must_use]
    pub fn of<T: ?Sized>() -> Self {
        Self(Tag::Name(std::any::type_name::<T>()))
    }

    /// The tag that came in a frame.
    #[must_use]
    pub const fn from_hash(hash: u32) -> Self {
        Self(Tag::Hash(hash))
    }

    /// The tag of a type by its name, as it is written, with modules or without.
    ///
    /// ```
    /// use choreo_core::TypeTag;
    ///
    /// assert_eq!(TypeTag::named("Option<String>"), TypeTag::of::<Option<&str>>());
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(Tag::Hash(hash_of(name)))
    }

    /// The tag for a frame: FNV-1a of the type's name without its modules.
    #[must_use]
    pub fn hash(self) -> u32 {
        match self.0 {
            Tag::Hash(hash) => hash,
            Tag::Name(name) => remembered_hash(name),
        }
    }
}

impl PartialEq for TypeTag {
    fn eq(&self, other: &Self) -> bool {
        match (self.0, other.0) {
            (Tag::Name(a), Tag::Name(b)) if std::ptr::eq(a, b) || a == b => true,
            _ => self.hash() == other.hash(),
        }
    }
}

impl Eq for TypeTag {}

/// The type's name without its modules; of a tag that came in a frame, the number.
impl fmt::Display for TypeTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Tag::Hash(hash) => write!(f, "type #{hash:08x}"),
            Tag::Name(name) => {
                let mut result = Ok(());
                short_name(name, &mut |part| {
                    result = result.and_then(|()| f.write_str(part));
                });
                result
            }
        }
    }
}

impl fmt::Debug for TypeTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The hash of a type's name. Frames need it twice a message, so the thread remembers the latest:
/// working it out anew took a third of the time of a small message.
fn remembered_hash(name: &'static str) -> u32 {
    const REMEMBERED: usize = 16;
    thread_local!(
        static HASHES: [Cell<(&'static str, u32)>; REMEMBERED] =
            const { [const { Cell::new(("", 0)) }; REMEMBERED] }
    );

    HASHES.with(|hashes| {
        // Names lie one behind the other: neighbours differ in this.
        let place = name.as_ptr() as usize / 8 % REMEMBERED;
        let Some(remembered) = hashes.get(place) else {
            return hash_of(name);
        };
        let (known, hash) = remembered.get();
        if std::ptr::eq(known, name) {
            return hash;
        }
        let hash = hash_of(name);
        remembered.set((name, hash));
        hash
    })
}

/// FNV-1a of a type's name without its modules.
fn hash_of(name: &str) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    short_name(name, &mut |part| {
        for byte in part.bytes() {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    });
    hash
}

/// Gives the parts of a type's name without module paths and references, `str` as `String`.
///
/// By bytes, and without a slice that could panic: that machinery would be the better part of a
/// small wasm module.
fn short_name(name: &str, part: &mut dyn FnMut(&str)) {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii();
    let mut rest = name;
    while !rest.is_empty() {
        let length = rest.bytes().take_while(|byte| is_word(*byte)).count();
        let Some((word, after)) = rest.split_at_checked(length.max(1)) else {
            return;
        };
        let inner = after.strip_prefix("::");
        rest = inner.unwrap_or(after);
        match word {
            // What is behind a module is what counts.
            _ if inner.is_some() => {}
            "&" | " " | "mut" => {}
            "str" => part("String"),
            _ => part(word),
        }
    }
}

/// A message as it arrives: bytes, how they were made, and what they say they are.
///
/// ```
/// use choreo_core::{Codec, Encoded, ErrorKind};
///
/// let encoded = Encoded::new(&7_u64, Codec::default())?;
/// assert_eq!(encoded.decode::<u64>()?, 7);
/// assert_eq!(encoded.decode::<u16>().unwrap_err().kind(), ErrorKind::Protocol);
/// # Ok::<(), choreo_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    bytes: Bytes,
    codec: Codec,
    tag: TypeTag,
}

impl Encoded {
    /// Encodes a message.
    ///
    /// # Errors
    /// [`Encode`](crate::ErrorKind::Encode) when the message does not serialise.
    pub fn new(message: &dyn Message, codec: Codec) -> Result<Self> {
        let bytes = with_buffer(|out| message.encode(codec, out))?;
        Ok(Self {
            bytes,
            codec,
            tag: message.type_tag(),
        })
    }

    /// Bytes that came from elsewhere.
    #[must_use]
    pub fn from_parts(bytes: Bytes, codec: Codec, tag: TypeTag) -> Self {
        Self { bytes, codec, tag }
    }

    /// Decodes the message as an `M`.
    ///
    /// # Errors
    /// [`Protocol`](crate::ErrorKind::Protocol) when it was sent as another type,
    /// [`Decode`](crate::ErrorKind::Decode) when the bytes are no `M`, or more than one.
    pub fn decode<M: DeserializeOwned>(&self) -> Result<M> {
        let expected = TypeTag::of::<M>();
        if self.tag != expected {
            return Err(self.is_no(expected));
        }
        self.codec.decode(&self.bytes)
    }

    #[cold]
    fn is_no(&self, expected: TypeTag) -> Error {
        Error::unexpected(
            format_args!("a message of type {expected}"),
            format_args!("a message of type {}", self.tag),
        )
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How the bytes were made.
    #[must_use]
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// What the sender says the message is.
    #[must_use]
    pub fn type_tag(&self) -> TypeTag {
        self.tag
    }
}

/// What `write` appends to the thread's buffer.
pub(crate) fn with_buffer(write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<Bytes> {
    /// A larger buffer is not kept.
    const LARGEST: usize = 64 * 1024;
    thread_local!(static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) });

    // Taken out while in use: a message that itself encodes another one gets a fresh buffer.
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    buffer.clear();
    write(&mut buffer)?;
    let bytes = Bytes::copy_from_slice(&buffer);
    if buffer.capacity() <= LARGEST {
        let _ = BUFFER.try_with(|shared| shared.set(buffer));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_hash_is_that_of_the_name() {
        // One inside the other: many more than are remembered, and some begin at one place.
        const NAMES: &str = "alloc::vec::Vec<core::option::Option<&mut [(u8, &str); 4]>>";
        for _ in 0..2 {
            for begin in 0..NAMES.len() {
                for end in begin..=NAMES.len() {
                    let name = &NAMES[begin..end];
                    assert_eq!(remembered_hash(name), hash_of(name), "{name}");
                }
            }
        }
    }
}

//! Decodes a key as it is derived, but by a loop: the derived code is that of each byte.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

struct Key([u8; 32]);

struct Bytes;

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<[u8; 32]>, D::Error> {
    let key = Option::deserialize(from)?;
    Ok(key.map(|Key(bytes)| bytes))
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_tuple(32, Bytes)
    }
}

impl<'de> Visitor<'de> for Bytes {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("32 bytes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Key, A::Error> {
        let mut key = [0; 32];
        for (index, byte) in key.iter_mut().enumerate() {
            let next = bytes.next_element()?;
            *byte = next.ok_or_else(|| A::Error::invalid_length(index, &self))?;
        }
        Ok(Key(key))
    }
}

use std::fmt;

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Generate, Key, KeyInit};
use choreo_core::{Error, ErrorKind, Result};

/// The key that the roles of a session share: 256 bits, which nothing prints.
#[derive(Clone)]
pub struct SealKey(Key<XChaCha20Poly1305>);

impl SealKey {
    /// A new one, by chance.
    #[must_use]
    pub fn generate() -> Self {
        Self(Key::<XChaCha20Poly1305>::generate())
    }

    /// The key that these 64 hexadecimal digits are.
    ///
    /// ```
    /// use custom_layer::SealKey;
    ///
    /// assert!(SealKey::from_hex(&"5e".repeat(32)).is_ok());
    /// let error = SealKey::from_hex("open sesame").unwrap_err();
    /// assert_eq!(error.to_string(), "a key is 64 hexadecimal digits, such as `openssl rand -hex 32` gives");
    /// ```
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when they are not.
    pub fn from_hex(text: &str) -> Result<Self> {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let byte = |pair: &[u8]| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok();
        let pairs = text.as_bytes().chunks_exact(2);
        let bytes: Option<Vec<u8>> = pairs.map(byte).collect();
        match bytes.map(<[u8; 32]>::try_from) {
            Some(Ok(key)) if text.len() == 64 => Ok(Self(key.into())),
            _ => {
                let why = "a key is 64 hexadecimal digits, such as `openssl rand -hex 32` gives";
                Err(Error::new(ErrorKind::Config, why))
            }
        }
    }

    pub(crate) fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(..)")
    }
}

use choreo_core::{Codec, CustomCodec, Format, FormatError, Target, erased_serde};
use serde::Serialize;
use serde_json::{Deserializer, Serializer};

/// JSON: number 2 in frames.
///
/// ```
/// use choreo_codec_json::CODEC;
/// use choreo_core::{Encoded, ErrorKind};
///
/// let encoded = Encoded::new(&("ping", 1), CODEC)?;
/// assert_eq!(&encoded.bytes()[..], br#"["ping",1]"#);
/// assert_eq!(encoded.decode::<(String, i32)>()?, ("ping".to_owned(), 1));
/// # Ok::<(), choreo_core::Error>(())
/// ```
pub const CODEC: Codec = Codec::Custom(&JSON);

static JSON: CustomCodec = CustomCodec::new(2, "json", &Json);

struct Json;

impl Format for Json {
    fn encode(
        &self,
        message: &dyn erased_serde::Serialize,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        message.serialize(&mut Serializer::new(out))?;
        Ok(())
    }

    /// What is nested deeper than 128 levels is refused.
    fn decode(&self, bytes: &[u8], into: &mut Target<'_>) -> Result<(), FormatError> {
        let mut json = Deserializer::from_slice(bytes);
        into.read(&mut json)?;
        Ok(json.end()?)
    }
}

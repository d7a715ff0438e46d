//! JSON, held against the contract.

use choreo_core::{Codec, CustomCodec, Format, FormatError, Target, erased_serde};
use choreo_testkit::codec_suite;
use serde::Serialize;
use serde_json::{Deserializer, Serializer};

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

    fn decode(&self, bytes: &[u8], into: &mut Target<'_>) -> Result<(), FormatError> {
        let mut json = Deserializer::from_slice(bytes);
        into.read(&mut json)?;
        Ok(json.end()?)
    }
}

static JSON: CustomCodec = CustomCodec::new(200, "my-json", &Json);

codec_suite!(Codec::Custom(&JSON));

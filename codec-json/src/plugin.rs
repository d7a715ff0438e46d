use choreo_core::{Codec, Result};
use choreo_plugin::{CodecOptions, CodecPlugin, options, register};

use crate::CODEC;

/// The codec `json`, for stacks by name.
pub const PLUGIN: CodecPlugin = CodecPlugin::of::<JsonOptions>(
    "json",
    "Json",
    "For people to read, and for other languages.",
);

register!(PLUGIN);

options! {
    /// What the codec takes.
    struct JsonOptions {}
}

impl CodecOptions for JsonOptions {
    fn codec(self) -> Result<Codec> {
        Ok(CODEC)
    }
}

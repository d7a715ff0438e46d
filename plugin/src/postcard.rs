use choreo_core::{Codec, Result};

use crate::{CodecOptions, CodecPlugin, options};

/// The codec `postcard`, for stacks by name: the one that there is where none is named.
pub const POSTCARD: CodecPlugin =
    CodecPlugin::of::<PostcardOptions>("postcard", "Postcard", "Compact bytes, for Rust.");

crate::register!(POSTCARD);

options! {
    /// What the codec takes.
    struct PostcardOptions {}
}

impl CodecOptions for PostcardOptions {
    fn codec(self) -> Result<Codec> {
        Ok(Codec::Postcard)
    }
}

//! Broken codecs, and the checks that notice.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use choreo_core::erased_serde::Serialize as Message;
use choreo_core::{Codec, CustomCodec, Format, FormatError, Target};
use serde::Serialize;
use serde_json::{Deserializer, Serializer};

use super::rejections;

rejections! { codec:
    counts_wrongly: of(&COUNTS_WRONGLY) => messages_of_all_kinds_come_out_as_they_went_in;
    writes_over_what_is_there: of(&WRITES_OVER) => a_message_is_written_behind_what_is_there;
    changes_its_mind: of(&CHANGES_ITS_MIND) => equal_messages_are_equal_bytes;
    swallows_errors: of(&SWALLOWS_ERRORS) => a_message_that_does_not_serialise_is_an_error;
    needs_no_end: of(&NEEDS_NO_END) => bytes_that_end_early_are_an_error;
    ignores_what_is_behind: of(&IGNORES_MORE) => bytes_behind_a_message_are_an_error;
    quotes_each_error: of(&QUOTES_ERRORS) => an_error_deep_inside_is_short;
}

fn of(codec: &'static CustomCodec) -> Codec {
    Codec::Custom(codec)
}

macro_rules! faulty {
    ($($name:ident: $format:expr;)*) => {
        $(static $name: CustomCodec = CustomCodec::new(200, stringify!($name), &$format);)*
    };
}

faulty! {
    COUNTS_WRONGLY: CountsWrongly;
    WRITES_OVER: WritesOver;
    CHANGES_ITS_MIND: ChangesItsMind;
    SWALLOWS_ERRORS: SwallowsErrors;
    NEEDS_NO_END: NeedsNoEnd;
    IGNORES_MORE: IgnoresMore;
    QUOTES_ERRORS: QuotesErrors;
}

type Result<T> = std::result::Result<T, FormatError>;

/// As a format without faults does it.
fn encoded(message: &dyn Message, out: &mut Vec<u8>) -> Result<()> {
    message.serialize(&mut Serializer::new(out))?;
    Ok(())
}

/// As a format without faults does it.
fn decoded(bytes: &[u8], into: &mut Target<'_>) -> Result<()> {
    let mut json = Deserializer::from_slice(bytes);
    into.read(&mut json)?;
    Ok(json.end()?)
}

struct CountsWrongly;

impl Format for CountsWrongly {
    fn encode(&self, message: &dyn Message, out: &mut Vec<u8>) -> Result<()> {
        encoded(message, out)
    }

    fn decode(&self, bytes: &[u8], into: &mut Target<'_>) -> Result<()> {
        let swapped = bytes.iter().map(|byte| match byte {
            b'6' => b'7',
            byte => *byte,
        });
        decoded(&swapped.collect::<Vec<_>>(), into)
    }
}

struct WritesOver;

impl Format for WritesOver {
    fn encode(&self, message: &dyn Message, out: &mut Vec<u8>) -> Result<()> {
        out.clear();
        encoded(message, out)
    }

    fn decode(&self, bytes: &[u8], into: &mut Target<'_>) -> Result<()> {
        decoded(bytes, into)
    }
}

struct ChangesItsMind;

static MIND: AtomicBool = AtomicBool::new(false);

impl Format for ChangesItsMind {
    fn encode(&self, message: &dyn Message, out: &mut Vec<u8>) -> Result<()> {
        if MIND.fetch_xor(true, Relaxed) {
            out.push(b' ');
        }
        encoded(message, out)
    }

    fn decode(&self, bytes: &[u8], into: &mut Target<'_>) -> Result<()> {
        decoded(bytes, into)
    }
}

struct SwallowsErrors;

impl Format for SwallowsErrors {
    fn encode(&self, message: &dyn Message, out: &mut Vec<u8>) -> Result<()> {
        let _ = encoded(message, out);
        Ok(())
    }

    fn decode(&self, bytes: &[u8], into: &mut Target<'_>) -> Result<()> {
        decoded(bytes, into)
    }
}

struct NeedsNoEnd;

impl Format for NeedsNoEnd {
    fn encode(&self, message: &dyn Message, out: &mut Vec<u8>) -> Result<()> {
        encoded(message, out)?;
        out.push(b'\n');
        Ok(())
    }

    fn decode(&self, bytes: &[u8], into: &mut Target<'_>) -> Result<()> {
        decoded(bytes, into)
    }
}

struct IgnoresMore;

impl Format for IgnoresMore {
    fn encode(&self, message: &dyn Message, out: &mut Vec<u8>) -> Result<()> {
        encoded(message, out)
    }

    fn decode(&self, bytes: &[u8], into: &mut Target<'_>) -> Result<()> {
        into.read(&mut Deserializer::from_slice(bytes))?;
        Ok(())
    }
}

struct QuotesErrors;

impl Format for QuotesErrors {
    fn encode(&self, message: &dyn Message, out: &mut Vec<u8>) -> Result<()> {
        encoded(message, out)
    }

    /// As a deserializer does whose error shows the one below it as `Debug` does.
    fn decode(&self, bytes: &[u8], into: &mut Target<'_>) -> Result<()> {
        decoded(bytes, into).map_err(|error| {
            let depth = bytes.iter().filter(|byte| **byte == b'{').count();
            let quoted = |text, _| format!("{text:?}");
            (0..depth).fold(error.to_string(), quoted).into()
        })
    }
}

use choreo_core::{Bytes, Codec, Encoded, ErrorKind, TypeTag};
use serde::{Serialize, Serializer, ser};

use super::samples::{Nested, Record};
use crate::promise::{CODEC_ENCODE_FAILS, CODEC_SHORT_ERRORS, CODEC_WHOLE};
use crate::{Promise, Violation};

/// A message that does not serialise is an error of kind `Encode`, with the reason.
pub async fn a_message_that_does_not_serialise_is_an_error(codec: &Codec) -> Result<(), Violation> {
    struct Unsound;

    impl Serialize for Unsound {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(ser::Error::custom("it cannot be said"))
        }
    }

    let happened = match Encoded::new(&Unsound, *codec) {
        Ok(encoded) => format!("it became {:?}", encoded.bytes()),
        Err(error) if error.kind() == ErrorKind::Encode => return Ok(()),
        Err(error) => format!("the error is {error:?}"),
    };
    Err(Violation::new(
        "a_message_that_does_not_serialise_is_an_error",
        CODEC_ENCODE_FAILS,
        happened,
    ))
}

/// Bytes that are cut somewhere are an error of kind `Decode`, wherever it is. And whatever stands
/// in one of their places, nothing panics.
pub async fn bytes_that_end_early_are_an_error(codec: &Codec) -> Result<(), Violation> {
    let reading = Reading {
        check: "bytes_that_end_early_are_an_error",
        promise: CODEC_WHOLE,
        codec: *codec,
    };
    let whole = reading.encoded()?;
    for end in 0..whole.len() {
        let cut = || format!("{end} of {} bytes", whole.len());
        reading.refused(whole[..end].to_vec(), cut)?;
    }
    for place in 0..whole.len() {
        for byte in [
            0,
            1,
            0x7f,
            0x80,
            0xff,
            whole[place] ^ 1,
            whole[place] ^ 0x20,
        ] {
            let mut changed = whole.clone();
            changed[place] = byte;
            let _message_or_error = reading.read(changed);
        }
    }
    Ok(())
}

/// A message with another one behind it, or with a byte that is none, is an error of kind `Decode`.
pub async fn bytes_behind_a_message_are_an_error(codec: &Codec) -> Result<(), Violation> {
    let reading = Reading {
        check: "bytes_behind_a_message_are_an_error",
        promise: CODEC_WHOLE,
        codec: *codec,
    };
    let whole = reading.encoded()?;
    let twice = || "a message and the same again".to_owned();
    reading.refused(whole.repeat(2), twice)?;
    let mut more = whole;
    more.push(0);
    reading.refused(more, || "a message and a zero".to_owned())
}

/// What is wrong deep inside a message is told in few words.
pub async fn an_error_deep_inside_is_short(codec: &Codec) -> Result<(), Violation> {
    // Deep enough that a text that doubles at each level is too long, and not yet endless.
    const DEPTH: usize = 16;
    const MOST: usize = 1024;
    let violation = |happened: String| {
        let check = "an_error_deep_inside_is_short";
        Violation::new(check, CODEC_SHORT_ERRORS, happened)
    };
    let whole = Encoded::new(&Nested::new(DEPTH), *codec);
    let whole = whole.map_err(|error| violation(error.report()))?;
    let bytes = whole.bytes();
    let wrong = bytes.slice(..bytes.len() * 3 / 4);
    let wrong = Encoded::from_parts(wrong, *codec, whole.type_tag());
    match wrong.decode::<Nested>() {
        Err(error) if error.report().len() <= MOST => Ok(()),
        Err(error) => {
            let length = error.report().len();
            Err(violation(format!(
                "{DEPTH} levels deep it has {length} bytes"
            )))
        }
        Ok(_) => Err(violation(
            "a part of the bytes was read as the message".to_owned(),
        )),
    }
}

/// Reads what may be no message.
struct Reading {
    check: &'static str,
    promise: Promise,
    codec: Codec,
}

impl Reading {
    fn encoded(&self) -> Result<Vec<u8>, Violation> {
        let encoded = Encoded::new(&Record::new(), self.codec);
        let encoded = encoded.map_err(|error| self.violation(error.report()))?;
        Ok(encoded.bytes().to_vec())
    }

    fn refused(&self, bytes: Vec<u8>, what: impl Fn() -> String) -> Result<(), Violation> {
        match self.read(bytes) {
            Err(ErrorKind::Decode) => Ok(()),
            Err(kind) => Err(self.violation(format!("{}: the error is {kind:?}", what()))),
            Ok(()) => Err(self.violation(format!("{} were read as a message", what()))),
        }
    }

    fn read(&self, bytes: Vec<u8>) -> Result<(), ErrorKind> {
        let tag = TypeTag::of::<Record>();
        let encoded = Encoded::from_parts(Bytes::from(bytes), self.codec, tag);
        let read = encoded.decode::<Record>();
        read.map(drop).map_err(|error| error.kind())
    }

    fn violation(&self, happened: String) -> Violation {
        Violation::new(self.check, self.promise, happened)
    }
}

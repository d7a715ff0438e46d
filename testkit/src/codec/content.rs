use std::fmt::Debug;

use choreo_core::{Codec, Encoded, Incoming, Message, Outgoing};
use serde::{Deserialize, Serialize};

use super::samples::{Each, Record, each};
use crate::Violation;
use crate::promise::{CODEC_APPENDS, CODEC_EQUAL, CODEC_SAME};

/// Messages of all kinds that serde knows come out of a frame as they went in.
pub async fn messages_of_all_kinds_come_out_as_they_went_in(
    codec: &Codec,
) -> Result<(), Violation> {
    struct RoundTrip(Codec);

    impl Each for RoundTrip {
        type Error = Violation;

        fn each<M>(&mut self, message: &M) -> Result<(), Violation>
        where
            M: Serialize + for<'de> Deserialize<'de> + Debug + PartialEq + Send + Sync,
        {
            let codec = self.0;
            let read = Outgoing::Message(message)
                .to_frame(codec)
                .and_then(|frame| Incoming::from_frame_with(frame, codec))
                .and_then(|incoming| incoming.into_message()?.decode::<M>());
            let happened = match read {
                Ok(read) if read == *message => return Ok(()),
                Ok(read) => format!("it became {}", short(&read)),
                Err(error) => error.report(),
            };
            let happened = format!("{}: {happened}", short(message));
            Err(Violation::new(
                "messages_of_all_kinds_come_out_as_they_went_in",
                CODEC_SAME,
                happened,
            ))
        }
    }

    each(&mut RoundTrip(*codec))
}

/// A message is written behind the bytes that are there already, and those stay.
pub async fn a_message_is_written_behind_what_is_there(codec: &Codec) -> Result<(), Violation> {
    const THERE: &[u8] = b"there";
    let violation = |happened: String| {
        let check = "a_message_is_written_behind_what_is_there";
        Violation::new(check, CODEC_APPENDS, happened)
    };
    let (message, mut out) = (Record::new(), THERE.to_vec());
    let alone = Encoded::new(&message, *codec).map_err(|error| violation(error.report()))?;
    let written = message.encode(*codec, &mut out);
    written.map_err(|error| violation(error.report()))?;
    match out.strip_prefix(THERE) {
        Some(bytes) if *bytes == **alone.bytes() => Ok(()),
        Some(_) => Err(violation("behind others its bytes are others".to_owned())),
        None => Err(violation("what was there is gone".to_owned())),
    }
}

/// A message that is encoded twice is the same bytes: recordings are held against each other so.
pub async fn equal_messages_are_equal_bytes(codec: &Codec) -> Result<(), Violation> {
    let violation =
        |happened: String| Violation::new("equal_messages_are_equal_bytes", CODEC_EQUAL, happened);
    let encode = || Encoded::new(&Record::new(), *codec);
    let first = encode().map_err(|error| violation(error.report()))?;
    for _ in 0..8 {
        let again = encode().map_err(|error| violation(error.report()))?;
        if first != again {
            let (first, again) = (first.bytes(), again.bytes());
            return Err(violation(format!("once {first:?}, then {again:?}")));
        }
    }
    Ok(())
}

/// The beginning of a message, for errors.
fn short(message: &dyn Debug) -> String {
    let mut text = format!("{message:?}");
    if let Some((end, _)) = text.char_indices().nth(200) {
        text.truncate(end);
        text.push('…');
    }
    text
}

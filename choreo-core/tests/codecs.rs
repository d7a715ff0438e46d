//! A codec of one's own, and what becomes of those that are nobody's.
#![cfg(feature = "codecs")]

use std::collections::HashSet;

use choreo_core::{
    Bytes, Codec, CustomCodec, Encoded, ErrorKind, Format, FormatError, Incoming, Outgoing, Target,
    TypeTag, erased_serde,
};
use serde::{Deserialize, Serialize};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// JSON.
struct Json;

impl Format for Json {
    fn encode(
        &self,
        message: &dyn erased_serde::Serialize,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        message.serialize(&mut serde_json::Serializer::new(out))?;
        Ok(())
    }

    fn decode(&self, bytes: &[u8], into: &mut Target<'_>) -> Result<(), FormatError> {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        into.read(&mut json)?;
        Ok(json.end()?)
    }
}

/// Says that all is well, and reads nothing.
struct Idle;

impl Format for Idle {
    fn encode(&self, _: &dyn erased_serde::Serialize, _: &mut Vec<u8>) -> Result<(), FormatError> {
        Ok(())
    }

    fn decode(&self, _: &[u8], _: &mut Target<'_>) -> Result<(), FormatError> {
        Ok(())
    }
}

static JSON: CustomCodec = CustomCodec::new(200, "my-json", &Json);
static IDLE: CustomCodec = CustomCodec::new(129, "idle", &Idle);
const MINE: Codec = Codec::Custom(&JSON);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Ping {
    number: u64,
    text: String,
}

fn ping() -> Ping {
    Ping {
        number: u64::MAX,
        text: "\u{1F980}".into(),
    }
}

#[test]
fn messages_travel_in_it() {
    let frame = Outgoing::Message(&ping()).to_frame(MINE).unwrap();
    assert_eq!(frame[0], 200);
    assert_eq!(
        &frame[5..],
        "{\"number\":18446744073709551615,\"text\":\"\u{1F980}\"}".as_bytes()
    );
    let encoded = Incoming::from_frame_with(frame, MINE).unwrap();
    let encoded = encoded.into_message().unwrap();
    assert_eq!(encoded.codec(), MINE);
    assert_eq!(encoded.decode::<Ping>().unwrap(), ping());
    let error = encoded.decode::<String>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    let same = Encoded::new(&ping(), MINE).unwrap();
    assert_eq!(encoded, same);

    // Not all that is sent is sized, or owned.
    let text = Encoded::new(&"hello", MINE).unwrap();
    assert_eq!(text.decode::<String>().unwrap(), "hello");
    let list = Encoded::new(&&[1_u8, 2][..], MINE).unwrap();
    assert_eq!(&list.bytes()[..], b"[1,2]");
}

#[test]
fn postcard_and_labels_are_read_beside_it() {
    let frame = Outgoing::Message(&7_u32).to_frame(Codec::Postcard).unwrap();
    let encoded = Incoming::from_frame_with(frame, MINE).unwrap();
    assert_eq!(encoded.into_message().unwrap().decode::<u32>().unwrap(), 7);
    let frame = Outgoing::Label("accept").to_frame(MINE).unwrap();
    let label = Incoming::from_frame_with(frame, MINE).unwrap();
    assert_eq!(label.into_label().unwrap().as_str(), "accept");
}

#[test]
fn a_codec_that_is_not_known_is_named_and_so_are_those_that_are() {
    let refused = |id, codec| {
        let frame = Bytes::from(vec![id, 0, 0, 0, 0]);
        let error = Incoming::from_frame_with(frame, codec).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        error.to_string()
    };
    let idle = Codec::Custom(&IDLE);
    assert_eq!(
        refused(2, Codec::Postcard),
        "frame refused: 2 (json) is neither a label's mark nor a codec that is known here; \
         there are: postcard; give both ends the same (`with_codec`)"
    );
    assert_eq!(
        refused(201, MINE),
        "frame refused: 201 is neither a label's mark nor a codec that is known here; \
         there are: postcard, my-json; give both ends the same (`with_codec`)"
    );

    let known = |message, codec| {
        let incoming = Outgoing::Message(&1_u8).to_incoming(message).unwrap();
        incoming.known_to(codec).map_err(|error| error.to_string())
    };
    assert!(known(Codec::Postcard, MINE).is_ok());
    assert!(known(MINE, MINE).is_ok());
    assert_eq!(
        known(MINE, idle),
        Err(
            "message refused: 200 is no codec that is known here; there are: postcard, idle; \
             give both ends the same (`with_codec`)"
                .to_owned()
        )
    );
    let label = Outgoing::Label("accept").to_incoming(MINE).unwrap();
    assert_eq!(label.clone().known_to(idle).unwrap(), label);
}

#[test]
fn bytes_that_are_no_message_are_an_error_that_says_why() {
    let decode = |bytes: &'static [u8]| {
        let encoded = Encoded::from_parts(
            Bytes::from_static(bytes),
            MINE,
            TypeTag::of::<(u16, bool)>(),
        );
        encoded.decode::<(u16, bool)>()
    };
    assert_eq!(decode(b"[7,true]").unwrap(), (7, true));
    for (bytes, expected) in [
        (&b""[..], "EOF while parsing a value at line 1 column 0"),
        (b"[7,true", "EOF while parsing a list at line 1 column 7"),
        (b"[7,true]]", "trailing characters at line 1 column 9"),
        (
            b"[7,\"true\"]",
            "invalid type: string \"true\", expected a boolean at line 1 column 9",
        ),
        (b"\xff", "expected value at line 1 column 1"),
    ] {
        let error = decode(bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        let length = bytes.len();
        assert_eq!(
            error.report(),
            format!("{length} bytes are not a (u16,bool) in my-json: {expected}")
        );
    }
}

#[test]
fn what_does_not_serialise_is_an_error_that_says_why() {
    let of_keys = std::collections::BTreeMap::from([((1, 2), 3)]);
    let error = Encoded::new(&of_keys, MINE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode);
    assert_eq!(
        error.report(),
        "a BTreeMap<(i32,i32),i32> does not serialise as my-json: key must be a string"
    );
}

#[test]
fn a_format_that_reads_nothing_is_found_out() {
    let encoded = Encoded::new(&1_u8, Codec::Custom(&IDLE)).unwrap();
    let error = encoded.decode::<u8>().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(
        error.report(),
        "0 bytes are not a u8 in idle: the codec has read nothing"
    );
}

#[test]
fn a_codec_is_its_number() {
    let idle = Codec::Custom(&IDLE);
    assert_eq!((MINE.id(), MINE.name()), (200, "my-json"));
    assert_eq!(
        format!("{MINE} {MINE:?}"),
        "my-json Custom(CustomCodec(200 my-json))"
    );
    assert_ne!(MINE, idle);
    assert_ne!(MINE, Codec::Postcard);
    let codecs = HashSet::from([MINE, MINE, idle, Codec::Postcard]);
    assert_eq!(codecs.len(), 3);
    assert_eq!(MINE.known(200), Some(MINE));
    assert_eq!(MINE.known(1), Some(Codec::Postcard));
    assert_eq!(MINE.known(129), None);
    // Others are known to those who name them.
    assert_eq!(Codec::from_id(200), None);
    #[cfg(not(target_arch = "wasm32"))]
    assert!(std::panic::catch_unwind(|| CustomCodec::new(1, "postcard?", &Json)).is_err());
}

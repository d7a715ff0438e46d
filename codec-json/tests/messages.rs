//! What is in the bytes, and which bytes are none.

use std::collections::{BTreeMap, HashMap};

use choreo_codec_json::CODEC;
use choreo_core::{Bytes, Codec, Encoded, Error, ErrorKind, Incoming, Outgoing, TypeTag};
use choreo_testkit::codec_suite;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

codec_suite!(CODEC);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum Move {
    TakeBack,
    PlayCard { card: u8, at: Option<f64> },
}

/// As deep as the bytes say.
#[derive(Debug, Deserialize)]
struct Nested {
    #[expect(dead_code, reason = "it is only read")]
    inner: Option<Box<Nested>>,
}

fn text(message: &dyn choreo_core::Message) -> String {
    let encoded = Encoded::new(message, CODEC).expect("JSON can say it");
    String::from_utf8(encoded.bytes().to_vec()).expect("JSON is UTF-8")
}

fn read<M: DeserializeOwned>(json: impl Into<Vec<u8>>) -> Result<M, Error> {
    let bytes = Bytes::from(json.into());
    Encoded::from_parts(bytes, CODEC, TypeTag::of::<M>()).decode()
}

#[test]
fn messages_are_for_people_to_read() {
    let card = Move::PlayCard { card: 7, at: None };
    assert_eq!(text(&card), r#"{"kind":"playCard","card":7,"at":null}"#);
    assert_eq!(read::<Move>(text(&card)).unwrap(), card);
    // Others leave out what is nothing, put in white space, and order as they like.
    let theirs = " { \"card\" : 7 ,\n \"kind\" : \"playCard\" } ";
    assert_eq!(read::<Move>(theirs).unwrap(), card);
    assert_eq!(
        read::<Move>(r#"{"kind":"takeBack"}"#).unwrap(),
        Move::TakeBack
    );
    assert_eq!(text(&"\u{1F980}\n"), "\"\u{1F980}\\n\"");
    let numbers = BTreeMap::from([(-1_i8, u128::MAX)]);
    assert_eq!(
        text(&numbers),
        "{\"-1\":340282366920938463463374607431768211455}"
    );
    assert_eq!(read::<BTreeMap<i8, u128>>(text(&numbers)).unwrap(), numbers);
}

#[test]
fn numbers_that_are_none_and_keys_that_are_no_texts_are_errors() {
    let error = read::<f64>(text(&f64::NAN)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(
        error.report(),
        "4 bytes are not a f64 in json: invalid type: null, expected f64 at line 1 column 4"
    );
    let keys = HashMap::from([(vec![1], 2)]);
    let error = Encoded::new(&keys, CODEC).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode);
    assert_eq!(
        error.report(),
        "a HashMap<Vec<i32>,i32> does not serialise as json: key must be a string"
    );
}

#[test]
fn bytes_that_are_no_message_are_refused_with_the_reason() {
    for (json, expected) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("[1,", "EOF while parsing a value at line 1 column 3"),
        (
            "[1,2]",
            "invalid type: integer `2`, expected a boolean at line 1 column 4",
        ),
        (
            "[300,true]",
            "invalid value: integer `300`, expected u8 at line 1 column 4",
        ),
        ("[1,true,2]", "trailing characters at line 1 column 9"),
        (
            "[1,true] [1,true]",
            "trailing characters at line 1 column 10",
        ),
        ("nonsense", "expected ident at line 1 column 2"),
    ] {
        let error = read::<(u8, bool)>(json).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        let length = json.len();
        assert_eq!(
            error.report(),
            format!("{length} bytes are not a (u8,bool) in json: {expected}")
        );
    }
    assert!(read::<String>(*b"\"\xff\"").is_err());
}

#[test]
fn nesting_without_end_is_refused() {
    for depth in [129, 1_000_000] {
        for json in ["[".repeat(depth), "{\"a\":".repeat(depth)] {
            let error = read::<IgnoredAny>(json).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode);
            let report = error.report();
            assert!(
                report.contains("recursion limit exceeded") || report.contains("EOF"),
                "{report}"
            );
        }
        let error = read::<Nested>("{\"inner\":".repeat(depth)).unwrap_err();
        assert!(
            error.report().contains("recursion limit exceeded"),
            "{error:?}"
        );
    }
}

#[test]
fn who_has_it_not_says_what_came() {
    let frame = Outgoing::Message(&1_u8).to_frame(CODEC).unwrap();
    let read = Incoming::from_frame_with(frame.clone(), CODEC).unwrap();
    assert_eq!(read.into_message().unwrap().decode::<u8>().unwrap(), 1);
    let error = Incoming::from_frame_with(frame, Codec::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("frame refused: 2 (json) is neither a label's mark nor a codec"),
        "{error}"
    );
}

#[cfg(not(target_arch = "wasm32"))]
mod any {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    enum Any {
        Nothing,
        Number(i64, u64),
        Real(f64, f32),
        Text { text: String, first: Option<char> },
        Bytes(Vec<u8>),
        Map(BTreeMap<String, Any>),
        Numbered(BTreeMap<u64, bool>),
        List(Vec<Any>),
    }

    fn any_message() -> impl Strategy<Value = Any> {
        let finite = prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO;
        let single = prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL | prop::num::f32::ZERO;
        let leaf = prop_oneof![
            Just(Any::Nothing),
            (any::<i64>(), any::<u64>()).prop_map(|(a, b)| Any::Number(a, b)),
            (finite, single).prop_map(|(a, b)| Any::Real(a, b)),
            (".*", any::<Option<char>>()).prop_map(|(text, first)| Any::Text { text, first }),
            any::<Vec<u8>>().prop_map(Any::Bytes),
            any::<BTreeMap<u64, bool>>().prop_map(Any::Numbered),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Any::List),
                prop::collection::btree_map(".{0,4}", inner, 0..4).prop_map(Any::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn messages_come_out_as_they_went_in(message in any_message()) {
            let frame = Outgoing::Message(&message).to_frame(CODEC).unwrap();
            let read = Incoming::from_frame_with(frame, CODEC).unwrap().into_message().unwrap();
            prop_assert_eq!(read.decode::<Any>().unwrap(), message);
        }

        #[test]
        fn any_bytes_are_a_message_or_an_error(
            message in any_message(),
            at in any::<prop::sample::Index>(),
            with in any::<Vec<u8>>(),
        ) {
            let mut json = text(&message).into_bytes();
            let at = at.index(json.len());
            json.splice(at..=at, with.clone());
            for bytes in [json, with] {
                if let Err(error) = read::<Any>(bytes) {
                    prop_assert_eq!(error.kind(), ErrorKind::Decode);
                }
            }
        }
    }
}

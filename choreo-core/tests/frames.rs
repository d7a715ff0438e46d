//! What goes into a frame comes out, and no bytes make the reader panic.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeMap;

use choreo_core::{Bytes, Codec, Incoming, Outgoing};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Message {
    Empty,
    Text(String),
    Record {
        id: u64,
        tags: BTreeMap<String, Option<i32>>,
        raw: Vec<u8>,
    },
}

fn message() -> impl Strategy<Value = Message> {
    let tags = prop::collection::btree_map(".{0,8}", any::<Option<i32>>(), 0..4);
    let raw = prop::collection::vec(any::<u8>(), 0..64);
    prop_oneof![
        Just(Message::Empty),
        ".*".prop_map(Message::Text),
        (any::<u64>(), tags, raw).prop_map(|(id, tags, raw)| Message::Record { id, tags, raw }),
    ]
}

proptest! {
    #[test]
    fn messages_come_out_as_they_went_in(message in message()) {
        let frame = Outgoing::Message(&message).to_frame(Codec::Postcard).unwrap();
        let Incoming::Message(encoded) = Incoming::from_frame(frame).unwrap() else {
            panic!("a message became a label");
        };
        prop_assert_eq!(&encoded.decode::<Message>().unwrap(), &message);
        prop_assert!(encoded.decode::<String>().is_err());
        // In one process no frame is needed, and the outcome is the same.
        let direct = Outgoing::Message(&message).to_incoming(Codec::Postcard).unwrap();
        prop_assert_eq!(direct.into_message().unwrap().decode::<Message>().unwrap(), message);
    }

    #[test]
    fn labels_come_out_as_they_went_in(label in ".*") {
        let frame = Outgoing::Label(&label).to_frame(Codec::Postcard).unwrap();
        let read = Incoming::from_frame(frame).unwrap().into_label().unwrap();
        prop_assert_eq!(read.as_str(), label);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        if let Ok(Incoming::Message(encoded)) = Incoming::from_frame(Bytes::from(bytes)) {
            let _ = encoded.decode::<Message>();
        }
    }

    #[test]
    fn a_frame_that_was_tampered_with_is_read_or_refused(
        message in message(),
        at in any::<prop::sample::Index>(),
        with in any::<u8>(),
    ) {
        let mut frame = Outgoing::Message(&message).to_frame(Codec::Postcard).unwrap().to_vec();
        let at = at.index(frame.len());
        frame[at] = with;
        if let Ok(Incoming::Message(encoded)) = Incoming::from_frame(Bytes::from(frame)) {
            let _ = encoded.decode::<Message>();
        }
    }
}

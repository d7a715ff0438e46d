//! What a recording holds, and how it is drawn.
#![cfg(all(feature = "record", feature = "fault-injection", feature = "retry"))]

use std::time::Duration;

use crate::common::{ALICE, BOB, CAROL, Stuck, pair};
use choreo_core::{
    ChoreoHandlerExt, Error, ErrorKind, Label, Operation, RoleName, labels, runtime,
};
use choreo_handler_inmemory::InMemoryNetwork;
use choreo_middleware::{
    Fault, FaultInjectionLayer, Payload, Record, RecordLayer, Recording, RetryLayer,
};
use choreo_testkit::{Probe, ProbeEndpoint};

labels! {
    enum Decision { Accept }
}

const ENDPOINT: ProbeEndpoint = ProbeEndpoint { id: 1 };

/// A probe that plays a role and records.
fn probe(role: &str, recording: &Recording) -> (Probe, Record<Probe>) {
    let probe = Probe::new();
    (probe.clone(), Record::new(probe, role, recording))
}

/// The lines of a diagram behind the participants.
fn arrows(recording: &Recording) -> Vec<String> {
    let mermaid = recording.to_mermaid();
    let lines = mermaid.lines().skip(1).map(str::trim);
    lines
        .filter(|line| !line.starts_with("participant"))
        .map(str::to_owned)
        .collect()
}

tests! {
    async fn an_entry_says_who_did_what_with_whom_and_how_it_ended() {
        let recording = Recording::new();
        let (probe, alice) = probe(ALICE, &recording);
        alice.send(&ENDPOINT, BOB.into(), &"hello").await.unwrap();
        probe.fail_with(|| Error::new(ErrorKind::Closed, "gone").transient());
        alice.choose(&ENDPOINT, BOB.into(), Decision::Accept).await.unwrap_err();
        alice.recv::<u32>(&ENDPOINT, CAROL.into()).await.unwrap_err();

        let entries = recording.entries();
        let [sent, chosen, received] = &entries[..] else { panic!("{entries:?}") };
        assert_eq!((sent.role.as_str(), sent.peer.as_str()), (ALICE, BOB));
        assert_eq!((sent.operation, &sent.failure), (Operation::Send, &None));
        let Some(Payload::Message { type_name, encoded: Some(encoded), contents: None }) = &sent.payload
        else { panic!("{sent:?}") };
        assert_eq!((type_name.as_str(), &encoded.bytes()[..]), ("String", &b"\x05hello"[..]));
        assert_eq!(chosen.payload, Some(Payload::Label(Label::from("Accept"))));
        let failure = chosen.failure.as_ref().unwrap();
        assert_eq!((failure.kind, failure.transient), (Some(ErrorKind::Closed), true));
        assert_eq!(failure.detail, "gone");
        assert_eq!((received.operation, &received.payload), (Operation::Recv, &None));
        assert_eq!(received.peer.as_str(), CAROL);
        assert!(sent.at <= chosen.at && chosen.at <= received.at);
    }

    async fn a_send_and_its_receive_are_one_arrow_in_the_order_of_the_sends() {
        let recording = Recording::new();
        let (alice, bob) = pair();
        let alice = alice.layer(RecordLayer::new(ALICE, &recording));
        let bob = bob.layer(RecordLayer::new(BOB, &recording));
        alice.send(&(), BOB, &1_u8).await.unwrap();
        alice.send(&(), BOB, &2_u16).await.unwrap();
        bob.send(&(), ALICE, &3_u32).await.unwrap();
        alice.choose(&(), BOB, Decision::Accept).await.unwrap();
        assert_eq!(arrows(&recording), [
            "p0--)p1: u8", "p0--)p1: u16", "p1--)p0: u32", "p0--)p1: choose Accept",
        ]);
        bob.recv::<u8>(&(), ALICE).await.unwrap();
        alice.recv::<u32>(&(), BOB).await.unwrap();
        assert_eq!(arrows(&recording), [
            "p0->>p1: u8", "p0--)p1: u16", "p1->>p0: u32", "p0--)p1: choose Accept",
        ]);
    }

    async fn a_message_shows_when_only_one_side_records() {
        let (alice, bob) = pair();
        let (at_alice, at_bob) = (Recording::new(), Recording::new());
        let alice = alice.layer(RecordLayer::new(ALICE, &at_alice));
        let bob = bob.layer(RecordLayer::new(BOB, &at_bob));
        alice.send(&(), BOB, &1_u8).await.unwrap();
        bob.recv::<u8>(&(), ALICE).await.unwrap();
        assert_eq!(at_alice.to_mermaid(), "\
sequenceDiagram
    participant p0 as Alice
    participant p1 as Bob
    p0->>p1: u8
");
        assert_eq!(at_bob.to_mermaid(), "\
sequenceDiagram
    participant p0 as Bob
    participant p1 as Alice
    p1->>p0: u8
");
    }

    async fn what_was_not_sent_is_broken_and_what_was_sent_again_arrives() {
        let recording = Recording::new();
        let (alice, bob) = pair();
        let alice = alice
            .layer(FaultInjectionLayer::new().with_schedule(Fault::BeforeSend, [1]))
            .layer(RecordLayer::new(ALICE, &recording))
            .layer(RetryLayer::new(1, Duration::ZERO));
        let bob = bob.layer(RecordLayer::new(BOB, &recording));
        alice.send(&(), BOB, &1_u8).await.unwrap();
        bob.recv::<u8>(&(), ALICE).await.unwrap();
        assert_eq!(arrows(&recording), [
            "p0-xp1: u8",
            "Note over p0,p1: fault injected before the send (number 1)",
            "p0->>p1: u8",
        ]);
    }

    async fn a_send_that_failed_after_its_delivery_arrives_with_a_note() {
        let recording = Recording::new();
        let (alice, bob) = pair();
        let alice = alice
            .layer(FaultInjectionLayer::new().with_schedule(Fault::AfterSend, [1]))
            .layer(RecordLayer::new(ALICE, &recording));
        let bob = bob.layer(RecordLayer::new(BOB, &recording));
        alice.send(&(), BOB, &1_u8).await.unwrap_err();
        alice.send(&(), BOB, &2_u8).await.unwrap();
        bob.recv::<u8>(&(), ALICE).await.unwrap();
        bob.recv::<u8>(&(), ALICE).await.unwrap();
        assert_eq!(arrows(&recording), [
            "p0->>p1: u8",
            "Note over p0,p1: fault injected after the delivery (number 1)",
            "p0->>p1: u8",
        ]);
    }

    async fn a_send_that_is_dropped_is_recorded_and_a_receive_is_not() {
        let recording = Recording::new();
        let alice = Record::new(Stuck, ALICE, &recording);
        let sending = alice.send(&(), BOB, &1_u8);
        runtime::timeout(Duration::from_millis(1), sending).await.unwrap_err();
        let receiving = alice.recv::<u8>(&(), BOB);
        let receiving = runtime::timeout(Duration::from_millis(1), receiving);
        receiving.await.map(drop).unwrap_err();
        drop(alice.send(&(), BOB, &1_u8));
        assert_eq!(arrows(&recording), [
            "p0-xp1: u8",
            "Note over p0,p1: dropped before it was done",
        ]);
        assert_eq!(recording.entries()[0].failure.as_ref().unwrap().kind, None);
    }

    async fn a_payload_that_could_not_be_read_is_the_end_of_its_arrow() {
        let recording = Recording::new();
        let (_, alice) = probe(ALICE, &recording);
        let (bobs, bob) = probe(BOB, &recording);
        for _ in 0..2 {
            alice.send(&ENDPOINT, BOB.into(), &1_u8).await.unwrap();
        }
        bobs.fail_with(|| Error::new(ErrorKind::Decode, "frame refused"));
        bob.recv::<u8>(&ENDPOINT, ALICE.into()).await.unwrap_err();
        bobs.fail_with(|| Error::new(ErrorKind::Timeout, "nothing came"));
        bob.recv::<u8>(&ENDPOINT, ALICE.into()).await.unwrap_err();
        assert_eq!(arrows(&recording), [
            "p0->>p1: u8",
            "Note over p0,p1: frame refused",
            "p0--)p1: u8",
            "Note over p1: receive from Alice#58; nothing came",
        ]);
    }

    async fn a_send_to_all_is_an_arrow_to_each() {
        let recording = Recording::new();
        let (_, alice) = probe(ALICE, &recording);
        let both = [BOB, CAROL].map(RoleName::from);
        alice.broadcast(&ENDPOINT, &both, &1_u8).await.unwrap();
        alice.choose_for_all(&ENDPOINT, &both, Decision::Accept).await.unwrap();
        alice.broadcast(&ENDPOINT, &[], &1_u8).await.unwrap();
        assert_eq!(arrows(&recording), [
            "p0->>p1: u8", "p0->>p2: u8", "p0->>p1: choose Accept", "p0->>p2: choose Accept",
        ]);
    }

    async fn a_full_recording_keeps_its_beginning_and_says_so() {
        let sends = async |recording: &Recording, size: usize| {
            let (_, alice) = probe(ALICE, recording);
            for _ in 0..10 {
                alice.send(&ENDPOINT, BOB.into(), &vec![1_u8; size]).await.unwrap();
            }
        };
        let few = Recording::with_capacity(3, 1 << 20);
        sends(&few, 1).await;
        assert_eq!((few.len(), few.dropped()), (3, 7));
        assert!(few.to_mermaid().ends_with("    Note over p0: 7 more were not kept\n"));
        assert!(few.to_svg().contains("7 more were not kept"));

        let small = Recording::with_capacity(100, 1000);
        sends(&small, 300).await;
        assert_eq!((small.len(), small.dropped()), (3, 7));
        sends(&small, 0).await;
        assert_eq!((small.len(), small.dropped()), (3, 17), "no gap");
    }

    async fn the_version_grows_with_every_change() {
        let recording = Recording::new();
        let empty = recording.version();
        let (_, alice) = probe(ALICE, &recording);
        let with_role = recording.version();
        alice.send(&ENDPOINT, BOB.into(), &1_u8).await.unwrap();
        let with_entry = recording.version();
        assert!(empty < with_role && with_role < with_entry);
        assert_eq!(recording.version(), with_entry);
        recording.clear();
        assert!(with_entry < recording.version());
        assert!(recording.is_empty());
        assert_eq!(recording.to_mermaid(), "sequenceDiagram\n    participant p0 as Alice\n");
    }

    async fn a_recording_is_shared_by_its_clones_and_by_roles_on_other_threads() {
        let recording = Recording::new();
        let network = InMemoryNetwork::new();
        let stacks = [ALICE, BOB].map(|role| {
            network.join(role).unwrap().layer(RecordLayer::new(role, &recording.clone())).boxed()
        });
        stacks[0].send(&(), BOB, &1_u8).await.unwrap();
        stacks[1].recv::<u8>(&(), ALICE).await.unwrap();
        assert_eq!(recording.len(), 2);
    }

    async fn names_and_texts_cannot_break_out_of_a_diagram() {
        let recording = Recording::new();
        let nasty = "end\n<b>&\"'#;:%%{init}\u{0}\u{ffff} wrap: \u{1f600}";
        let (_, alice) = probe(nasty, &recording);
        let label = Label::from(nasty.to_owned());
        alice.choose(&ENDPOINT, "]]></svg><script>".into(), label).await.unwrap();
        assert_eq!(arrows(&recording), [
            "p0->>p1: choose end #60;b#62;#38;#34;'#35;#59;#58;#37;#37;#123;init#125; \u{ffff} wrap#58; \u{1f600}",
        ]);
        let svg = recording.to_svg();
        assert!(!svg.contains("<b>") && !svg.contains("<script>") && !svg.contains('\u{ffff}'));
        assert_eq!(svg.matches("<svg").count(), 1);
        assert_eq!(svg.matches("</svg>").count(), 1);
        assert_well_formed(&svg);
    }

    async fn the_picture_names_all_and_tells_choices_and_failures_apart() {
        let recording = Recording::new();
        let (probe, alice) = probe(ALICE, &recording);
        alice.send(&ENDPOINT, BOB.into(), &1_u8).await.unwrap();
        alice.choose(&ENDPOINT, BOB.into(), Decision::Accept).await.unwrap();
        probe.fail_with(|| Error::new(ErrorKind::Transport, "no way ".repeat(20)));
        alice.send(&ENDPOINT, BOB.into(), &1_u8).await.unwrap_err();
        alice.recv::<u8>(&ENDPOINT, CAROL.into()).await.unwrap_err();
        let svg = recording.to_svg();
        assert_well_formed(&svg);
        for part in [
            r#"role="img""#, "<title>", "<desc>Between Alice, Bob, Carol: 3 messages, 2 failures</desc>",
            r#"class="choreo-choice""#, r#"class="choreo-failed""#, ">Accept<", "viewBox",
        ] {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
        // The outline of a head is closed at its tip, not at the start of the line.
        assert_eq!(svg.matches("m0 0l8-5v10z").count() + svg.matches("m0 0l-8-5v10z").count(), 2);
        // Shortened where it is drawn, in full where it is pointed at.
        assert!(svg.contains("no way…") && svg.contains(&"no way ".repeat(20)));
        assert_well_formed(&Recording::new().to_svg());
    }

    /// Sizes as a page would see them: no arrow longer than its text, nothing beyond the edge.
    async fn the_picture_is_as_large_as_what_it_shows() {
        let sizes = |recording: &Recording| {
            let svg = recording.to_svg();
            ["width", "height"].map(|name| {
                let (_, tail) = svg.split_once(&format!(" {name}=\"")).unwrap();
                tail.split_once('"').unwrap().0.parse::<u32>().unwrap()
            })
        };
        let recording = Recording::new();
        let (_, alice) = probe(ALICE, &recording);
        alice.send(&ENDPOINT, BOB.into(), &1_u8).await.unwrap();
        let [wide, high] = sizes(&recording);
        alice.send(&ENDPOINT, BOB.into(), &std::collections::BTreeMap::<String, Vec<u64>>::new()).await.unwrap();
        let [wider, higher] = sizes(&recording);
        assert!(wide < wider && high < higher && wider < 1000 && higher < 1000);
    }
}

/// That tags are closed in order, and that nothing stands where it would be a tag.
fn assert_well_formed(xml: &str) {
    let mut open = Vec::new();
    let mut rest = xml;
    while let Some((text, tail)) = rest.split_once('<') {
        assert!(!text.contains('>'), "{text}");
        let (tag, tail) = tail.split_once('>').expect("the tag ends");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{xml}"),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap()),
        }
        rest = tail;
    }
    assert!(open.is_empty(), "{open:?}");
}

#[cfg(feature = "record-contents")]
tests! {
    async fn contents_show_when_asked_for_and_are_cut() {
        #[derive(serde::Serialize)]
        struct Order { title: &'static str, copies: u32 }
        let recording = Recording::new();
        let alice = Probe::new().layer(RecordLayer::new(ALICE, &recording).contents(true));
        let order = Order { title: "<b>", copies: 2 };
        alice.send(&ENDPOINT, BOB.into(), &order).await.unwrap();
        alice.send(&ENDPOINT, BOB.into(), &"ä".repeat(1000)).await.unwrap();
        let svg = recording.to_svg();
        assert!(svg.contains("Order {\"title\":\"&lt;b&gt;\",\"copies\":2}"), "{svg}");
        assert!(svg.len() < 5_000);
        let entries = recording.entries();
        let Some(Payload::Message { contents: Some(cut), .. }) = &entries[1].payload
        else { panic!("{entries:?}") };
        assert!(cut.starts_with("\"ää") && cut.ends_with('…') && cut.len() < 130, "{cut}");
    }
}

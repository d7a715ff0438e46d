//! A recording as text, and a role that meets again what it met before.
#![cfg(all(feature = "record", feature = "retry", feature = "timeout"))]

use std::time::Duration;

use crate::common::{ALICE, BOB, CAROL, Stuck, pair, unsent};
use choreo_core::{
    ChoreoHandler, ChoreoHandlerExt, Error, ErrorKind, Label, Result, RoleName, labels, runtime,
};
use choreo_middleware::{Payload, RecordLayer, Recording, Replay, RetryLayer, Timeout};
use choreo_testkit::{Probe, ProbeEndpoint};

labels! {
    enum Decision { Accept, Reject }
}

/// What Alice does, with whatever peer.
async fn alice<H>(handler: &H, offer: u32) -> Result<Decision>
where
    H: ChoreoHandler<Role = &'static str, Endpoint = ()>,
{
    handler.send(&(), BOB, &offer).await?;
    let decision = handler.offer(&(), BOB).await?;
    handler.choose(&(), BOB, Decision::Accept).await?;
    let _: String = handler.recv(&(), BOB).await?;
    Ok(decision)
}

/// A run of Alice with Bob, recorded at Alice.
async fn recorded() -> Recording {
    let recording = Recording::new();
    let (handler, bob) = pair();
    let handler = handler.layer(RecordLayer::new(ALICE, &recording));
    bob.choose(&(), ALICE, Decision::Reject).await.unwrap();
    bob.send(&(), ALICE, &"bye").await.unwrap();
    alice(&handler, 42).await.unwrap();
    recording
}

fn saved_and_read(recording: &Recording) -> Recording {
    Recording::from_transcript(&recording.to_transcript()).unwrap()
}

tests! {
    async fn a_run_is_played_again_from_its_transcript() {
        let recording = saved_and_read(&recorded().await);
        let replay = Replay::new(&recording, ALICE).unwrap();
        assert!(replay.finish().is_err());
        assert_eq!(alice(&replay, 42).await.unwrap(), Decision::Reject);
        replay.finish().unwrap();
    }

    async fn the_first_deviation_is_an_error_that_says_what_was_due() {
        let recording = recorded().await;
        let replay = Replay::<&str>::new(&recording, ALICE).unwrap();
        let error = alice(&replay, 43).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert_eq!(
            error.to_string(),
            "Alice: send to Bob: number 1: the record has a message of type u32 (1 bytes: b\"*\"), \
             not a message of type u32 (1 bytes: b\"+\")"
        );
        let error = replay.choose(&(), BOB, Decision::Accept).await.unwrap_err();
        assert!(error.detail().ends_with("not the label `Accept`"), "{error}");
        let error = replay.send(&(), BOB, &42_u64).await.unwrap_err();
        assert!(error.detail().contains("not a message of type u64"), "{error}");
        // It went no further.
        replay.send(&(), BOB, &42_u32).await.unwrap();
        let error = replay.send(&(), CAROL, &42_u32).await.unwrap_err();
        assert_eq!(error.to_string(), "Alice: send to Carol: number 1: the record has only 0");
    }

    async fn one_more_than_was_recorded_is_an_error() {
        let replay = Replay::new(&recorded().await, ALICE).unwrap();
        alice(&replay, 42).await.unwrap();
        let error = replay.recv::<u32>(&(), BOB).await.unwrap_err();
        assert_eq!(error.to_string(), "Alice: receive from Bob: number 3: the record has only 2");
        let error = replay.send(&(), BOB, &1_u8).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        replay.finish().unwrap();
    }

    async fn what_is_left_at_the_end_is_named() {
        let replay = Replay::<&str>::new(&recorded().await, ALICE).unwrap();
        replay.send(&(), BOB, &42_u32).await.unwrap();
        let error = replay.finish().unwrap_err();
        assert_eq!(error.to_string(), "Alice: send to Bob: the record has 1 more of them");
    }

    async fn branches_may_overtake_each_other() {
        let recording = Recording::new();
        let probe = Probe::new().bind(ProbeEndpoint::default());
        let handler = probe.layer(RecordLayer::new(ALICE, &recording));
        for peer in [BOB, CAROL] {
            handler.send(&(), peer.into(), &1_u8).await.unwrap();
        }
        let replay = Replay::<&str>::new(&recording, ALICE).unwrap();
        for peer in [CAROL, BOB] {
            replay.send(&(), peer, &1_u8).await.unwrap();
        }
        replay.finish().unwrap();
    }

    async fn errors_come_again_as_they_came() {
        let recording = Recording::new();
        let probe = Probe::new();
        let handler = probe.clone().bind(ProbeEndpoint::default()).layer(RecordLayer::new(ALICE, &recording));
        let bob = || RoleName::from(BOB);
        probe.fail_with(unsent);
        handler.send(&(), bob(), &1_u8).await.unwrap_err();
        probe.succeed();
        handler.send(&(), bob(), &1_u8).await.unwrap();
        probe.fail_with(|| Error::new(ErrorKind::Timeout, "too\tlate\n"));
        handler.recv::<u8>(&(), bob()).await.unwrap_err();
        probe.fail_with(|| Error::new(ErrorKind::Closed, "gone"));
        handler.broadcast(&(), &[bob(), CAROL.into()], &2_u8).await.unwrap_err();

        let replay = Replay::new(&saved_and_read(&recording), ALICE).unwrap();
        let replay = replay.layer(RetryLayer::new(1, Duration::ZERO));
        replay.send(&(), BOB, &1_u8).await.unwrap();
        let error = replay.recv::<u8>(&(), BOB).await.unwrap_err();
        assert_eq!((error.kind(), error.detail()), (ErrorKind::Timeout, "too\tlate\n"));
        let error = replay.broadcast(&(), &[BOB, CAROL], &2_u8).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Closed, false));
        replay.inner().finish().unwrap();
    }

    async fn a_send_that_was_dropped_waits_to_be_dropped_again() {
        let tick = Duration::from_millis(2);
        let recording = Recording::new();
        let handler = Stuck.layer(RecordLayer::new(ALICE, &recording));
        let sending = handler.send(&(), BOB, &1_u8);
        runtime::timeout(tick, sending).await.unwrap_err();
        let replay = Replay::<&str>::new(&saved_and_read(&recording), ALICE).unwrap();
        let error = Timeout::new(replay, tick).send(&(), BOB, &1_u8).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }

    async fn a_role_that_is_not_in_the_recording_is_an_error_that_lists_them() {
        let error = Replay::<&str>::new(&recorded().await, "Eve").map(drop).unwrap_err();
        assert_eq!(error.to_string(), "`Eve` has recorded nothing; there are: Alice");
    }

    async fn a_transcript_keeps_everything() {
        let recording = Recording::with_capacity(4, 1 << 20);
        let probe = Probe::new();
        let nasty = "a\tb\\c\nd\re\u{0}";
        let handler = probe.clone().layer(RecordLayer::new(nasty, &recording));
        let endpoint = ProbeEndpoint::default();
        let peer = || RoleName::from("");
        handler.send(&endpoint, peer(), &[0_u8; 3]).await.unwrap();
        handler.send(&endpoint, peer(), &()).await.unwrap();
        handler.choose(&endpoint, peer(), Label::from(nasty.to_owned())).await.unwrap();
        probe.fail_with(move || Error::new(ErrorKind::Extension, nasty));
        handler.recv::<u8>(&endpoint, peer()).await.unwrap_err();
        handler.recv::<u8>(&endpoint, peer()).await.unwrap_err();

        let again = saved_and_read(&recording);
        assert_eq!(again.to_transcript(), recording.to_transcript());
        assert_eq!(again.to_mermaid(), recording.to_mermaid());
        assert_eq!(again.to_svg(), recording.to_svg());
        assert_eq!(again.entries(), recording.entries());
        assert_eq!(again.dropped(), 1);
        let Some(Payload::Message { encoded: Some(empty), .. }) = &again.entries()[1].payload else {
            panic!("empty is not none")
        };
        assert!(empty.bytes().is_empty());
    }

    async fn text_that_is_no_transcript_is_refused_with_its_line() {
        let whole = recorded().await.to_transcript();
        let refusal = |text: &str| {
            let error = Recording::from_transcript(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode);
            error.to_string()
        };
        assert_eq!(
            refusal("hello"),
            "transcript refused at line 1: it does not begin with `choreo transcript 1`"
        );
        assert_eq!(
            refusal("choreo transcript 1\nrole\tAlice\nrole"),
            "transcript refused at line 3: neither role, nor entry with its fields, nor dropped"
        );
        for (from, to) in [
            ("\tsend\t", "\tsand\t"),
            ("\t2a\t", "\t2\t"),
            ("\t2a\t", "\tzz\t"),
            ("\t2a\t", "\t+a\t"),
            ("\t1\t2a\t", "\t9\t2a\t"),
            ("entry\t", "entry\t-"),
            ("label\t", "\t"),
            ("Accept", "Acc\\ept"),
        ] {
            let broken = whole.replacen(from, to, 1);
            assert_ne!(broken, whole, "{from:?} is in it");
            assert!(refusal(&broken).starts_with("transcript refused at line "), "{broken}");
        }
        // Whatever is cut or changed: an answer, and no panic.
        for end in 0..whole.len() {
            let _ = Recording::from_transcript(&whole[..end]);
            let mut changed = whole.clone().into_bytes();
            changed[end] ^= 1;
            if let Ok(changed) = String::from_utf8(changed) {
                let _ = Recording::from_transcript(&changed).map(|recording| recording.to_svg());
            }
        }
    }
}

//! The protocol over every stack that the page can make, in whatever runs the tests.

use crate::stack::Instruments;
use crate::{Failure, Faults, Options, play};
use choreo::middleware::MetricsSnapshot;
use wasm_bindgen_test::wasm_bindgen_test;

async fn run(options: &Options) -> (Result<String, Failure>, Instruments) {
    let instruments = Instruments::new(options);
    (play(options, &instruments).await, instruments)
}

/// Half of the sends fail.
fn faulty(seed: u32) -> Options {
    Options {
        rounds: 3,
        faults: Some(Faults { seed, rate: 50.0 }),
        ..Options::new("hello")
    }
}

#[wasm_bindgen_test(unsupported = tokio::test)]
async fn every_combination_of_layers_answers() {
    for bits in 0..64_u8 {
        let on = |bit: u8| bits & (1 << bit) != 0;
        let options = Options {
            rounds: 2,
            trace: on(0),
            metrics: on(1),
            retry: on(2),
            faults: on(3).then_some(Faults { seed: 7, rate: 0.0 }),
            pace: on(4).into(),
            timeout: on(5).then_some(60_000),
            ..Options::new("hello")
        };
        let (reply, instruments) = run(&options).await;
        assert_eq!(reply.as_deref(), Ok("Bob heard: hello"), "{options:?}");
        // A send and a receive, each round, each role.
        assert_eq!(instruments.recording.len(), 8, "{options:?}");
        assert_eq!(
            instruments.log.take().lines().count(),
            if on(0) { 8 } else { 0 }
        );
        let counted = if on(1) { 2 } else { 0 };
        assert_eq!(instruments.alice.send_count(), counted);
        assert_eq!(instruments.bob.recv_count(), counted);
    }
}

#[wasm_bindgen_test(unsupported = tokio::test)]
async fn the_same_seed_gives_the_same_diagram() {
    let diagram = async |seed| {
        let options = Options {
            retry: true,
            ..faulty(seed)
        };
        run(&options).await.1.recording.to_mermaid()
    };
    let first = diagram(7).await;
    assert_eq!(first, diagram(7).await);
    assert_ne!(first, diagram(8).await);
}

#[wasm_bindgen_test(unsupported = tokio::test)]
async fn retry_gets_the_protocol_through_the_faults() {
    let without = faulty(7);
    let with = Options {
        retry: true,
        metrics: true,
        ..without.clone()
    };
    assert!(run(&without).await.0.is_err());

    let (reply, instruments) = run(&with).await;
    assert_eq!(reply.as_deref(), Ok("Bob heard: hello"));
    let attempts = instruments.recording.len();
    assert!(attempts > 12, "{attempts} operations, so nothing failed");
    let sent = |counts: MetricsSnapshot, peer| counts.peer(peer).map(|peer| peer.send.count);
    assert_eq!(sent(instruments.alice.snapshot(), "Bob"), Some(3));
    assert_eq!(sent(instruments.bob.snapshot(), "Alice"), Some(3));
}

#[wasm_bindgen_test(unsupported = tokio::test)]
async fn failures_say_what_where_and_what_to_try() {
    let always = Some(Faults {
        seed: 1,
        rate: 100.0,
    });
    let alone = Options {
        faults: always,
        ..Options::new("hello")
    };
    let retried = Options {
        retry: true,
        ..alone.clone()
    };

    let failure = run(&alone).await.0.unwrap_err();
    assert_eq!(
        failure.what,
        "Alice could not send to Bob: the Faults layer made it fail, on purpose."
    );
    assert!(
        failure.advice.starts_with("Tick Retry"),
        "{}",
        failure.advice
    );

    let failure = run(&retried).await.0.unwrap_err();
    assert!(
        failure.what.ends_with("until Retry gave up."),
        "{}",
        failure.what
    );
    assert!(
        failure.advice.contains("another seed"),
        "{}",
        failure.advice
    );
    let detail = failure.detail;
    assert!(detail.contains("given up after 6 attempts"), "{detail}");
}

#[wasm_bindgen_test(unsupported = tokio::test)]
async fn what_takes_too_long_is_given_up() {
    // Retry pauses for that pace.
    let options = Options {
        timeout: Some(1),
        retry: true,
        pace: 300,
        faults: Some(Faults {
            seed: 1,
            rate: 100.0,
        }),
        ..Options::new("hello")
    };
    let failure = run(&options).await.0.unwrap_err();
    assert_eq!(
        failure.what,
        "Alice could not send to Bob: the Timeout layer gave it up, it took too long."
    );
    assert!(
        failure.advice.starts_with("Raise the limit"),
        "{}",
        failure.advice
    );
    assert!(failure.detail.contains("within 1 ms"), "{}", failure.detail);
}

#[wasm_bindgen_test(unsupported = tokio::test)]
async fn the_one_who_failed_is_named_not_the_one_who_was_left() {
    // The first seed with which Alice's ping arrives and Bob's pong does not.
    for seed in 0..64 {
        let options = Options {
            rounds: 1,
            ..faulty(seed)
        };
        let (reply, instruments) = run(&options).await;
        if let Err(failure) = reply
            && instruments.recording.len() > 2
        {
            let expected = "Bob could not send to Alice";
            assert!(failure.what.starts_with(expected), "{}", failure.what);
            return;
        }
    }
    panic!("no seed of 64 makes Bob fail");
}

#[wasm_bindgen_test(unsupported = tokio::test)]
async fn markup_in_a_message_stays_text() {
    let message = r#"<b id="evil">&"'</b><script>1</script>"#;
    let (reply, instruments) = run(&Options::new(message)).await;
    assert_eq!(reply, Ok(format!("Bob heard: {message}")));
    let svg = instruments.recording.to_svg();
    assert!(!svg.contains("<b") && !svg.contains("<script"), "{svg}");
}

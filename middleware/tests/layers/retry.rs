//! What is sent again, what is not, and for how long.
#![cfg(all(feature = "retry", feature = "fault-injection", feature = "timeout"))]

use std::time::Duration;

use crate::common::{ALICE, BOB, pair, unsent};
use choreo_core::{
    ChoreoHandler, ChoreoHandlerExt, Error, ErrorKind, Outgoing, RoleName, labels, runtime,
};
use choreo_middleware::{Fault, FaultInjectionLayer, Retry, RetryLayer, TimeoutLayer};
use choreo_testkit::{Call, Probe, ProbeEndpoint};

labels! {
    enum Decision { Accept }
}

const TICK: Duration = Duration::from_millis(1);
const ENDPOINT: ProbeEndpoint = ProbeEndpoint { id: 1 };

/// A layer whose delays are short.
fn retry(retries: usize) -> RetryLayer {
    RetryLayer::new(retries, Duration::from_micros(10)).max_delay(TICK)
}

fn bob() -> RoleName {
    RoleName::from(BOB)
}

tests! {
    async fn sends_again_what_was_not_sent_until_it_is() {
        let (alice, bob) = pair();
        let faults = FaultInjectionLayer::new().with_schedule(Fault::BeforeSend, [1, 2, 4]);
        let alice = Retry::new(alice.layer(faults), 2, TICK);
        alice.send(&(), BOB, &"hello").await.unwrap();
        alice.choose(&(), BOB, Decision::Accept).await.unwrap();
        assert_eq!(bob.recv::<String>(&(), ALICE).await.unwrap(), "hello");
        bob.offer::<Decision>(&(), ALICE).await.unwrap();
    }

    async fn errors_of_encoding_and_of_the_protocol_are_not_repeated() {
        let probe = Probe::new();
        let handler = probe.clone().layer(retry(5));
        for kind in [ErrorKind::Encode, ErrorKind::Protocol, ErrorKind::UnknownRole] {
            probe.fail_with(move || Error::new(kind, "always so"));
            let error = handler.send(&ENDPOINT, bob(), &1_u32).await.unwrap_err();
            assert_eq!((error.kind(), error.detail()), (kind, "always so"));
            assert_eq!(probe.take_calls().len(), 1);
        }
    }

    async fn a_send_that_fails_after_its_delivery_arrives_once() {
        let (alice, bob) = pair();
        let faults = FaultInjectionLayer::new().with_schedule(Fault::AfterSend, [1]);
        let alice = alice.layer(faults).layer(retry(3));
        let error = alice.send(&(), BOB, &1_u32).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Injected);
        alice.send(&(), BOB, &2_u32).await.unwrap();
        assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), 1);
        assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), 2);
    }

    async fn a_send_that_timed_out_is_not_repeated() {
        let (alice, bob) = pair();
        let limit = TimeoutLayer::default().send(TICK);
        let alice = alice.layer(limit).layer(retry(3));
        let full = loop {
            match alice.send(&(), BOB, &1_u32).await {
                Ok(()) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), ErrorKind::Timeout);
        assert!(!full.is_transient());
        drop(bob);
    }

    async fn a_receive_is_not_repeated_even_where_its_error_says_transient() {
        let probe = Probe::new();
        probe.fail_with(unsent);
        let handler = probe.clone().layer(retry(5));
        handler.recv::<u32>(&ENDPOINT, bob()).await.unwrap_err();
        assert_eq!(probe.calls().len(), 1);
    }

    async fn forty_retries_and_more_do_not_overflow() {
        let probe = Probe::new();
        probe.fail_with(unsent);
        let handler = probe.clone().layer(retry(70));
        let error = handler.send(&ENDPOINT, bob(), &1_u32).await.unwrap_err();
        assert_eq!(probe.take_calls().len(), 71);
        assert_eq!(error.detail(), "given up after 71 attempts: no network");
        assert!(error.is_transient());

        let endless = retry(usize::MAX).budget(500 * TICK);
        let handler = probe.clone().layer(endless);
        handler.send(&ENDPOINT, bob(), &1_u32).await.unwrap_err();
        assert!(probe.calls().len() > 2);
    }

    async fn no_attempt_starts_after_the_budget() {
        let probe = Probe::new();
        probe.fail_with(unsent);
        let hour = Duration::from_secs(3600);
        let handler = probe.clone().layer(RetryLayer::new(3, hour).budget(hour / 2));
        let error = handler.send(&ENDPOINT, bob(), &1_u32).await.unwrap_err();
        assert_eq!(error.detail(), "1 attempt, no time for another: no network");
        assert_eq!(probe.calls().len(), 1);
    }

    async fn an_error_that_comes_at_a_later_attempt_ends_it_and_says_at_which() {
        let probe = Probe::new();
        let calls = std::sync::atomic::AtomicU32::new(0);
        probe.fail_with(move || match calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 | 1 => unsent(),
            _ => Error::new(ErrorKind::Closed, "Bob has left"),
        });
        let handler = probe.clone().layer(retry(9));
        let error = handler.send(&ENDPOINT, bob(), &1_u32).await.unwrap_err();
        assert_eq!(error.to_string(), "send to Bob: attempt 3: Bob has left");
        assert_eq!(error.kind(), ErrorKind::Closed);
    }

    async fn send_to_all_is_repeated_as_one_and_only_when_nobody_has_it() {
        let probe = Probe::new();
        let handler = probe.clone().layer(retry(2));
        let both = [bob(), RoleName::from(ALICE)];
        probe.fail_with(unsent);
        handler.send_to_all(&ENDPOINT, &both, Outgoing::Message(&1_u32)).await.unwrap_err();
        let calls = probe.take_calls();
        assert_eq!(calls.len(), 3);
        assert!(calls.iter().all(|call| matches!(call, Call::SendToAll { .. })));

        probe.fail_with(|| unsent().permanent());
        handler.send_to_all(&ENDPOINT, &both, Outgoing::Message(&1_u32)).await.unwrap_err();
        assert_eq!(probe.calls().len(), 1);
    }

    async fn a_send_that_is_dropped_between_two_attempts_is_not_sent() {
        let probe = Probe::new();
        probe.fail_with(unsent);
        let handler = probe.clone().layer(RetryLayer::new(9, 20 * TICK));
        let sending = handler.send(&ENDPOINT, bob(), &1_u32);
        runtime::timeout(5 * TICK, sending).await.unwrap_err();
        probe.succeed();
        runtime::sleep(40 * TICK).await;
        assert_eq!(probe.calls().len(), 1);
    }
}

//! Faults come as they were asked for, and the same ones each time.
#![cfg(feature = "fault-injection")]

use std::time::Duration;

use crate::common::{ALICE, BOB, CAROL, pair};
use choreo_core::{ChoreoHandler, ChoreoHandlerExt, ErrorKind, Incoming, Label, Outgoing, runtime};
use choreo_middleware::{Fault, FaultInjection, FaultInjectionLayer};
use choreo_testkit::{Call, Probe, ProbeEndpoint};
use futures::FutureExt;

const ENDPOINT: ProbeEndpoint = ProbeEndpoint { id: 1 };

/// Which of so many sends to each peer fail, made in the given order.
async fn failures(layer: &FaultInjectionLayer, order: &[&'static str]) -> Vec<(String, usize)> {
    let handler = Probe::new().layer(layer);
    let mut counts = [(BOB, 0), (CAROL, 0)];
    let mut failed = Vec::new();
    for peer in order {
        let count = counts.iter_mut().find(|(name, _)| name == peer).unwrap();
        count.1 += 1;
        if handler
            .send(&ENDPOINT, (*peer).into(), &1_u32)
            .await
            .is_err()
        {
            failed.push(((*peer).to_owned(), count.1));
        }
    }
    failed.sort();
    failed
}

tests! {
    async fn the_same_seed_gives_the_same_faults_and_another_others() {
        let order = [BOB; 200];
        let layer = FaultInjectionLayer::new().with_rate(Fault::BeforeSend, 0.2);
        let first = failures(&layer.clone().with_seed(1), &order).await;
        assert_eq!(failures(&layer.clone().with_seed(1), &order).await, first);
        assert_ne!(failures(&layer.clone().with_seed(2), &order).await, first);
    }

    async fn faults_do_not_depend_on_how_branches_interleave() {
        let layer = FaultInjectionLayer::new().with_seed(3).with_rate(Fault::BeforeSend, 0.3);
        let one_by_one = [[BOB; 50], [CAROL; 50]].concat();
        let in_turn = [[BOB, CAROL]; 50].concat();
        let faults = failures(&layer, &one_by_one).await;
        assert_eq!(failures(&layer, &in_turn).await, faults);
        // And the peers do not share their faults.
        let of = |peer: &str| -> Vec<usize> {
            faults.iter().filter(|(name, _)| name == peer).map(|(_, n)| *n).collect()
        };
        assert_ne!(of(BOB), of(CAROL));
    }

    async fn another_rate_adds_faults_and_moves_none() {
        let layer = |rate| FaultInjectionLayer::new().with_rate(Fault::BeforeSend, rate);
        let (few, many) = (
            failures(&layer(0.1), &[BOB; 300]).await,
            failures(&layer(0.3), &[BOB; 300]).await,
        );
        assert!(few.len() < many.len() && few.iter().all(|fault| many.contains(fault)));
    }

    async fn about_as_many_operations_fail_as_the_rate_says() {
        for (rate, about) in [(0.0, 0..=0), (0.1, 60..=140), (0.5, 430..=570), (1.0, 1000..=1000)] {
            let layer = FaultInjectionLayer::new().with_failure_rate(rate);
            let failed = failures(&layer, &[BOB; 1000]).await.len();
            assert!(about.contains(&failed), "{failed} of 1000 at {rate}");
        }
    }

    async fn a_schedule_hits_the_operations_that_it_names() {
        let layer = FaultInjectionLayer::new().with_schedule(Fault::BeforeSend, [2, 5]);
        let failed = failures(&layer, &[BOB, CAROL, BOB, BOB, BOB, BOB, BOB]).await;
        assert_eq!(failed, [(BOB.to_owned(), 2), (BOB.to_owned(), 5)]);
    }

    async fn a_send_that_fails_before_is_not_sent_and_one_that_fails_after_is() {
        let (alice, bob) = pair();
        let alice = FaultInjection::new(alice)
            .with_schedule(Fault::BeforeSend, [1])
            .with_schedule(Fault::AfterSend, [2]);
        let before = alice.send(&(), BOB, &1_u32).await.unwrap_err();
        let after = alice.send(&(), BOB, &2_u32).await.unwrap_err();
        alice.send(&(), BOB, &3_u32).await.unwrap();
        assert_eq!((before.kind(), before.is_transient()), (ErrorKind::Injected, true));
        assert_eq!((after.kind(), after.is_transient()), (ErrorKind::Injected, false));
        assert_eq!(
            before.to_string(),
            "send to Bob: fault injected before the send (number 1)"
        );
        assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), 2);
        assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), 3);
    }

    async fn a_receive_that_fails_loses_nothing() {
        let (alice, bob) = pair();
        let bob = FaultInjection::new(bob).with_schedule(Fault::Recv, [1, 3]);
        alice.send(&(), BOB, &1_u32).await.unwrap();
        alice.send(&(), BOB, &2_u32).await.unwrap();
        let mut received = Vec::new();
        for _ in 0..4 {
            received.push(bob.recv::<u32>(&(), ALICE).await.map_err(|error| error.kind()));
        }
        let failed = || Err(ErrorKind::Injected);
        assert_eq!(received, [failed(), Ok(1), failed(), Ok(2)]);
    }

    async fn labels_meet_faults_as_messages_do() {
        let probe = Probe::new();
        probe.deliver(Incoming::Label(Label::from_static("yes")));
        let handler = FaultInjection::new(probe).with_failure_rate(1.0);
        let (bob, label) = (|| BOB.into(), Label::from_static("yes"));
        handler.choose(&ENDPOINT, bob(), label).await.unwrap_err();
        handler.offer::<Label>(&ENDPOINT, bob()).await.unwrap_err();
    }

    async fn a_fault_at_one_peer_stops_the_send_to_all_before_or_after_all() {
        let both = [BOB, CAROL].map(Into::into);
        for (fault, calls) in [(Fault::BeforeSend, 0), (Fault::AfterSend, 1)] {
            let probe = Probe::new();
            let handler = FaultInjection::new(probe.clone()).with_schedule(fault, [2]);
            handler.send(&ENDPOINT, CAROL.into(), &1_u32).await.unwrap();
            let _ = probe.take_calls();
            let sent = handler.send_to_all(&ENDPOINT, &both, Outgoing::Label("go")).await;
            let error = sent.unwrap_err();
            assert_eq!(error.peer(), Some(CAROL));
            assert_eq!(error.is_transient(), calls == 0);
            let made = probe.take_calls();
            assert_eq!(made.len(), calls);
            assert!(made.iter().all(|call| matches!(call, Call::SendToAll { .. })));
        }
    }

    async fn a_delay_comes_before_the_operation() {
        let probe = Probe::new();
        let delay = Duration::from_millis(10);
        let handler = FaultInjection::new(probe.clone()).with_delay_range(delay, 2 * delay);
        let start = runtime::Instant::now();
        handler.send(&ENDPOINT, BOB.into(), &1_u32).await.unwrap();
        assert!(start.elapsed() >= delay);
    }

    async fn an_operation_that_is_dropped_in_its_delay_is_not_made() {
        let probe = Probe::new();
        let delay = Duration::from_millis(30);
        let handler = FaultInjection::new(probe.clone()).with_delay_range(delay, delay);
        let sending = handler.send(&ENDPOINT, BOB.into(), &1_u32);
        assert!(sending.now_or_never().is_none(), "dropped while it waits");
        runtime::sleep(2 * delay).await;
        assert_eq!(probe.calls().len(), 0);
    }
}

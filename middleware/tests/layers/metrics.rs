//! Everything that goes through is counted, once.
#![cfg(all(feature = "metrics", feature = "retry"))]

use std::time::Duration;

use crate::common::{ALICE, BOB, CAROL, pair, unsent};
use choreo_core::{
    ChoreoHandler, ChoreoHandlerExt, Error, ErrorKind, Incoming, Label, Operation, Outgoing,
    RoleName, labels, runtime,
};
use choreo_handler_inmemory::InMemoryNetwork;
use choreo_middleware::{Metrics, MetricsLayer, OperationMetrics, RetryLayer};
use choreo_testkit::{Probe, ProbeEndpoint};

labels! {
    enum Decision { Accept }
}

const ENDPOINT: ProbeEndpoint = ProbeEndpoint { id: 1 };

/// Count, bytes and errors.
fn numbers(metrics: &OperationMetrics) -> (u64, u64, u64) {
    (metrics.count, metrics.bytes, metrics.errors)
}

tests! {
    async fn messages_and_labels_are_counted_in_both_directions() {
        let (alice, bob) = pair();
        let (alice, bob) = (Metrics::new(alice), Metrics::new(bob));
        for _ in 0..3 {
            alice.send(&(), BOB, &"hello").await.unwrap();
            bob.recv::<String>(&(), ALICE).await.unwrap();
        }
        bob.choose(&(), ALICE, Decision::Accept).await.unwrap();
        alice.offer::<Decision>(&(), BOB).await.unwrap();

        assert_eq!(counts(&alice.snapshot()), [3, 0, 0, 1]);
        assert_eq!(counts(&bob.snapshot()), [0, 3, 1, 0]);
        assert_eq!((alice.send_count(), alice.offer_count()), (3, 1));
        assert_eq!((bob.recv_count(), bob.choose_count()), (3, 1));
        let (alice, bob) = (alice.snapshot(), bob.snapshot());
        let (alice, bob) = (alice.peer(BOB).unwrap(), bob.peer(ALICE).unwrap());
        assert_eq!(numbers(&alice.send), (3, 18, 0));
        assert_eq!(numbers(&bob.recv), (3, 18, 0));
        assert_eq!(numbers(&bob.choose), (1, 6, 0));
        assert_eq!(numbers(&alice.offer), (1, 6, 0));
    }

    async fn each_peer_has_its_own_counts() {
        let metrics = Metrics::new(Probe::new());
        for (peer, times) in [(BOB, 2), (CAROL, 3)] {
            for _ in 0..times {
                metrics.send(&ENDPOINT, peer.into(), &7_u8).await.unwrap();
            }
        }
        let snapshot = metrics.snapshot();
        let peers: Vec<_> = snapshot.peers.iter().map(|peer| (&*peer.peer, peer.send.count)).collect();
        assert_eq!(peers, [(BOB, 2), (CAROL, 3)]);
        assert_eq!(snapshot.peer("nobody"), None);
    }

    async fn a_send_to_all_counts_for_each_peer() {
        let metrics = Metrics::new(Probe::new());
        let both = [BOB, CAROL].map(RoleName::from);
        metrics.broadcast(&ENDPOINT, &both, &"hello").await.unwrap();
        metrics.choose_for_all(&ENDPOINT, &both, Decision::Accept).await.unwrap();
        for peer in [BOB, CAROL] {
            let snapshot = metrics.snapshot();
            let peer = snapshot.peer(peer).unwrap();
            assert_eq!(numbers(&peer.send), (1, 6, 0));
            assert_eq!(numbers(&peer.choose), (1, 6, 0));
        }
    }

    async fn what_fails_is_an_error_and_no_operation() {
        let probe = Probe::new();
        let metrics = Metrics::new(probe.clone());
        probe.fail_with(|| Error::new(ErrorKind::Transport, "broken"));
        metrics.send(&ENDPOINT, BOB.into(), &1_u32).await.unwrap_err();
        metrics.choose(&ENDPOINT, BOB.into(), Decision::Accept).await.unwrap_err();
        metrics.recv::<u32>(&ENDPOINT, BOB.into()).await.unwrap_err();
        probe.fail_with(|| Error::new(ErrorKind::Transport, "broken").at(Operation::Send, CAROL));
        let both = [BOB, CAROL].map(RoleName::from);
        metrics.broadcast(&ENDPOINT, &both, &1_u32).await.unwrap_err();

        assert_eq!(counts(&metrics.snapshot()), [0; 4]);
        let snapshot = metrics.snapshot();
        let (bob, carol) = (snapshot.peer(BOB).unwrap(), snapshot.peer(CAROL).unwrap());
        assert_eq!([bob.send, bob.choose, bob.recv, carol.send].map(|of| of.errors), [1; 4]);
        assert_eq!(bob.offer.errors, 0);
    }

    async fn outside_of_retry_one_send_is_counted_and_inside_of_it_each_attempt() {
        let probe = Probe::new();
        let (inside, outside) = (MetricsLayer::new(), MetricsLayer::new());
        let handler = probe
            .clone()
            .layer(&inside)
            .layer(RetryLayer::new(2, Duration::ZERO))
            .layer(&outside);
        probe.fail_with(unsent);
        handler.send(&ENDPOINT, BOB.into(), &1_u32).await.unwrap_err();
        let errors = |layer: &MetricsLayer| layer.snapshot().total(Operation::Send).errors;
        assert_eq!((errors(&inside), errors(&outside)), (3, 1));
    }

    async fn handlers_of_one_layer_count_together_and_can_be_read_when_they_are_gone() {
        let layer = MetricsLayer::new();
        let handle = layer.handle();
        let network = InMemoryNetwork::new();
        for role in [ALICE, CAROL] {
            let handler = network.join(role).unwrap().layer(&layer).boxed();
            handler.send(&(), BOB, &1_u32).await.unwrap();
        }
        assert_eq!(layer.send_count(), 2);
        assert_eq!(handle.snapshot(), layer.snapshot());
        assert_eq!(handle.snapshot().peer(BOB).unwrap().send.count, 2);
    }

    async fn an_operation_that_is_dropped_is_not_counted() {
        let metrics = Metrics::new(Probe::new());
        let receiving = metrics.recv::<u32>(&ENDPOINT, BOB.into());
        runtime::timeout(Duration::from_millis(1), receiving).await.unwrap_err();
        let recv = metrics.snapshot().total(Operation::Recv);
        assert_eq!((recv.count, recv.errors, recv.waited), (0, 0, 0));
    }

    async fn only_operations_that_wait_are_timed() {
        let probe = Probe::new();
        let metrics = probe.clone().layer(MetricsLayer::new().time_every(1));
        let send = async || metrics.send(&ENDPOINT, BOB.into(), &1_u32).await.unwrap();
        for _ in 0..5 {
            send().await;
        }
        probe.pause(1);
        for _ in 0..100 {
            send().await;
        }
        let sent = metrics.snapshot().total(Operation::Send);
        assert_eq!((sent.count, sent.waited, sent.waits.count()), (105, 100, 100));
    }

    async fn of_many_waits_the_first_are_timed_and_then_every_so_many() {
        let timed = async |layer: MetricsLayer| {
            let probe = Probe::new();
            probe.pause(1);
            let metrics = probe.layer(&layer);
            for _ in 0..640 {
                metrics.send(&ENDPOINT, BOB.into(), &1_u32).await.unwrap();
            }
            layer.snapshot().total(Operation::Send).waits.count()
        };
        // The 1st, 65th, .. are among them; the 1st is one of the first 16.
        assert_eq!(timed(MetricsLayer::new()).await, 16 + 9);
        assert_eq!(timed(MetricsLayer::new().time_every(100)).await, 16 + 4);
        assert_eq!(timed(MetricsLayer::new().time_every(0)).await, 0);
    }

    async fn a_wait_is_as_long_as_it_took() {
        let (alice, bob) = pair();
        let bob = Metrics::new(bob);
        let wait = Duration::from_millis(20);
        let late = async {
            runtime::sleep(wait).await;
            alice.send(&(), BOB, &1_u32).await
        };
        let (received, sent) = futures::join!(bob.recv::<u32>(&(), ALICE), late);
        received.and(sent).unwrap();
        let waits = bob.snapshot().total(Operation::Recv).waits;
        assert!(waits.mean().unwrap() >= wait - Duration::from_millis(1), "{waits:?}");
        assert!(waits.quantile(50).unwrap() >= waits.mean().unwrap());
        assert!(waits.quantile(100).unwrap() <= 4 * waits.mean().unwrap());
    }

    async fn a_label_that_is_waited_for_is_an_offer_that_waited() {
        let probe = Probe::new();
        probe.pause(1);
        probe.deliver(Incoming::Label(Label::from_static("yes")));
        let metrics = Metrics::new(probe);
        metrics.offer::<Label>(&ENDPOINT, BOB.into()).await.unwrap();
        let offers = metrics.snapshot().total(Operation::Offer);
        assert_eq!((offers.waited, offers.waits.count()), (1, 1));
    }

    async fn a_message_that_does_not_encode_is_an_error() {
        struct Broken;
        impl serde::Serialize for Broken {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("broken"))
            }
        }
        let metrics = Metrics::new(Probe::new());
        let payload = Outgoing::Message(&Broken);
        metrics.send_payload(&ENDPOINT, &BOB.into(), payload).await.unwrap_err();
        assert_eq!(numbers(&metrics.snapshot().total(Operation::Send)), (0, 0, 1));
    }
}

fn counts(snapshot: &choreo_middleware::MetricsSnapshot) -> [u64; 4] {
    [
        Operation::Send,
        Operation::Recv,
        Operation::Choose,
        Operation::Offer,
    ]
    .map(|operation| snapshot.total(operation).count)
}

/// Large and many: more than fits into the number that a single operation adds to.
#[cfg(not(target_arch = "wasm32"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_among_many_threads_and_large_messages() {
    const TASKS: u64 = 4;
    const ROUNDS: u64 = 40_000;
    struct Sized(usize);
    impl choreo_core::Message for Sized {
        fn type_tag(&self) -> choreo_core::TypeTag {
            choreo_core::TypeTag::of::<Self>()
        }
        fn encode(&self, _: choreo_core::Codec, out: &mut Vec<u8>) -> choreo_core::Result<()> {
            out.resize(out.len() + self.0, 0);
            Ok(())
        }
        fn as_serialize(&self) -> &dyn choreo_core::erased_serde::Serialize {
            &()
        }
    }
    /// Encodes, and forgets.
    struct Sink;
    #[choreo_core::async_trait]
    impl ChoreoHandler for Sink {
        type Role = &'static str;
        type Endpoint = ();
        async fn send_payload(
            &self,
            _: &(),
            _: &&'static str,
            payload: Outgoing<'_>,
        ) -> choreo_core::Result<()> {
            payload.to_incoming(choreo_core::Codec::default()).map(drop)
        }
        async fn recv_payload(&self, _: &(), _: &&'static str) -> choreo_core::Result<Incoming> {
            std::future::pending().await
        }
    }
    let metrics = std::sync::Arc::new(Metrics::new(Sink));
    let tasks = (0..TASKS).map(|_| {
        let metrics = metrics.clone();
        tokio::spawn(async move {
            for round in 0..ROUNDS {
                // Mostly small; now and then as large as a message can be that is added directly,
                // and larger.
                let size = match round % 1000 {
                    0 => (1 << 20) - 1,
                    1 => 1 << 20,
                    _ => 100,
                };
                let payload = Outgoing::Message(&Sized(size));
                metrics.send_payload(&(), &BOB, payload).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let large = ROUNDS / 1000;
    let bytes = TASKS * ((ROUNDS - 2 * large) * 100 + large * ((2 << 20) - 1));
    let sent = metrics.snapshot().total(Operation::Send);
    assert_eq!(numbers(&sent), (TASKS * ROUNDS, bytes, 0));
}

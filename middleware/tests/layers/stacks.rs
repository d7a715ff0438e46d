//! The layers together, in every way in which they can be stacked.
#![cfg(all(
    feature = "trace",
    feature = "record",
    feature = "metrics",
    feature = "retry",
    feature = "timeout",
    feature = "fault-injection"
))]

use std::time::Duration;

use crate::common::{ALICE, BOB, CAROL, pair};
use choreo_core::{
    BoxHandler, ChoreoHandler, ChoreoHandlerExt, DynHandler, Outgoing, RoleName, labels,
};
use choreo_handler_inmemory::{InMemoryHandler, InMemoryNetwork};
use choreo_middleware::{
    Fault, FaultInjection, FaultInjectionLayer, Metrics, MetricsLayer, Record, RecordLayer,
    Recording, Retry, RetryLayer, Timeout, TimeoutLayer, Trace, TraceLayer,
};
use choreo_testkit::{Call, Probe, ProbeEndpoint};
use tower::ServiceBuilder;

labels! {
    enum Decision { Accept }
}

const TICK: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(60);

/// Sends, and gets an answer and a choice back.
async fn talk<A, B>(alice: &A, bob: &B)
where
    A: ChoreoHandler<Role = &'static str, Endpoint = ()>,
    B: ChoreoHandler<Role = &'static str, Endpoint = ()>,
{
    alice.send(&(), BOB, &"hello").await.unwrap();
    assert_eq!(bob.recv::<String>(&(), ALICE).await.unwrap(), "hello");
    bob.send(&(), ALICE, &5_usize).await.unwrap();
    bob.choose(&(), ALICE, Decision::Accept).await.unwrap();
    assert_eq!(alice.recv::<usize>(&(), BOB).await.unwrap(), 5);
    alice.offer::<Decision>(&(), BOB).await.unwrap();
}

type Handler = InMemoryHandler<&'static str>;
type Stack = Trace<Metrics<Timeout<Record<Retry<FaultInjection<Handler>>>>>>;

/// Every layer, by `layer`: the last one is met first.
fn stack(handler: Handler, metrics: &MetricsLayer, recording: &Recording) -> Stack {
    handler
        .layer(FaultInjectionLayer::new().with_schedule(Fault::BeforeSend, [1]))
        .layer(RetryLayer::new(2, TICK))
        .layer(RecordLayer::new(ALICE, recording))
        .layer(TimeoutLayer::new(LONG))
        .layer(metrics)
        .layer(TraceLayer::new(ALICE))
}

/// The same by tower: the first one is met first.
fn by_tower(handler: Handler, metrics: &MetricsLayer, recording: &Recording) -> Stack {
    ServiceBuilder::new()
        .layer(TraceLayer::new(ALICE))
        .layer(metrics)
        .layer(TimeoutLayer::new(LONG))
        .layer(RecordLayer::new(ALICE, recording))
        .layer(RetryLayer::new(2, TICK))
        .layer(FaultInjectionLayer::new().with_schedule(Fault::BeforeSend, [1]))
        .service(handler)
}

tests! {
    async fn layers_stack_by_layer_and_by_tower_to_the_same_type() {
        for stack in [stack, by_tower] {
            let (alice, bob) = pair();
            let (metrics, recording) = (MetricsLayer::new(), Recording::new());
            let alice = stack(alice, &metrics, &recording);
            talk(&alice, &bob).await;
            let snapshot = metrics.snapshot();
            let bob = snapshot.peer(BOB).unwrap();
            assert_eq!((bob.send.count, bob.send.errors), (1, 0), "retried inside");
            assert_eq!((bob.recv.count, bob.offer.count), (1, 1));
            assert_eq!(recording.len(), 3);
        }
    }

    async fn layers_stack_by_the_names_that_users_know() {
        let (alice, bob) = pair();
        let faulty = FaultInjection::new(alice)
            .with_failure_rate(0.0)
            .with_rate(Fault::BeforeSend, 0.1)
            .with_delay_range(Duration::ZERO, TICK);
        let metrics = Metrics::new(Retry::new(faulty, 3, TICK));
        let alice = Trace::new(metrics, ALICE);
        talk(&alice, &bob).await;
        let metrics = alice.inner();
        let counts = (metrics.send_count(), metrics.recv_count());
        assert_eq!(counts, (1, 1));
        assert_eq!((metrics.choose_count(), metrics.offer_count()), (0, 1));
    }

    async fn any_choice_of_layers_can_be_made_at_run_time() {
        for chosen in 0..1_u32 << 6 {
            let is_chosen = |layer: u32| chosen & 1 << layer != 0;
            let recording = Recording::new();
            let build = |handler: Handler, role: &str| -> BoxHandler<&'static str> {
                let mut stack = handler.boxed();
                if is_chosen(0) {
                    stack = stack.layer(FaultInjectionLayer::new()).boxed();
                }
                if is_chosen(1) {
                    stack = stack.layer(RecordLayer::new(role, &recording)).boxed();
                }
                if is_chosen(2) {
                    stack = Retry::new(stack, 3, TICK).boxed();
                }
                if is_chosen(3) {
                    stack = Timeout::new(stack, LONG).boxed();
                }
                if is_chosen(4) {
                    stack = Metrics::new(stack).boxed();
                }
                if is_chosen(5) {
                    stack = Trace::new(stack, role).boxed();
                }
                stack
            };
            let (alice, bob) = pair();
            talk(&build(alice, ALICE), &build(bob, BOB)).await;
            assert_eq!(recording.len(), if is_chosen(1) { 6 } else { 0 });
        }
    }

    async fn layers_wrap_stacks_of_named_roles_too() {
        let network = InMemoryNetwork::new();
        let layers: Vec<fn(DynHandler) -> DynHandler> = vec![
            |stack| Metrics::new(stack).boxed(),
            |stack| Retry::new(stack, 1, TICK).boxed(),
        ];
        let join = |role: &str| {
            let handler = network.join(RoleName::from(role)).unwrap().boxed();
            layers.iter().fold(handler, |stack, layer| layer(stack))
        };
        let (alice, bob) = (join(ALICE), join(BOB));
        alice.send(&(), BOB.into(), &1_u32).await.unwrap();
        assert_eq!(bob.recv::<u32>(&(), ALICE.into()).await.unwrap(), 1);
    }

    async fn all_layers_forward_a_broadcast_to_the_inner_handlers_own() {
        let probe = Probe::new();
        let (metrics, recording) = (MetricsLayer::new(), Recording::new());
        let stack = probe
            .clone()
            .layer(FaultInjectionLayer::new().with_schedule(Fault::AfterSend, [99]))
            .layer(RetryLayer::new(2, TICK))
            .layer(RecordLayer::new(ALICE, &recording))
            .layer(TimeoutLayer::new(LONG))
            .layer(&metrics)
            .layer(TraceLayer::new(ALICE));
        let both = [BOB, CAROL].map(RoleName::from);
        let endpoint = ProbeEndpoint { id: 3 };
        stack.send_to_all(&endpoint, &both, Outgoing::Message(&1_u32)).await.unwrap();
        stack.send_to_all(&endpoint, &both, Outgoing::Label("go")).await.unwrap();
        let calls = probe.calls();
        let all = |call: &Call| {
            matches!(call, Call::SendToAll { to, endpoint: with, .. }
                if *to == both && *with == endpoint)
        };
        assert!(calls.len() == 2 && calls.iter().all(all), "{calls:?}");
        assert_eq!((metrics.send_count(), metrics.choose_count()), (2, 2));
        assert_eq!(recording.len(), 4);
    }

    async fn retry_outside_of_record_draws_one_send_and_inside_each_attempt() {
        let faults = FaultInjectionLayer::new().with_schedule(Fault::BeforeSend, [1]);
        let retry = RetryLayer::new(1, TICK);
        for (inside, arrows) in [(true, 1), (false, 2)] {
            let (alice, _bob) = pair();
            let recording = Recording::new();
            let record = RecordLayer::new(ALICE, &recording);
            let faulty = alice.layer(&faults).boxed();
            let alice = if inside {
                faulty.layer(retry).layer(record).boxed()
            } else {
                faulty.layer(record).layer(retry).boxed()
            };
            alice.send(&(), BOB, &1_u32).await.unwrap();
            assert_eq!(recording.len(), arrows);
        }
    }
}

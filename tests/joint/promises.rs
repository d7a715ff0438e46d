//! What systems like this one tend to get wrong, one test for each: the name says the behaviour.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use choreo::middleware::{FaultInjection, Metrics, Retry, Timeout, Trace};
use choreo::prelude::*;
use choreo::runtime::{self, sleep, timeout};
use choreo::{Extensions, Flow, Incoming, Interpreter, Outgoing, async_trait, forward};
use futures::future::{join, join3};
use serde::{Deserialize, Serialize};

#[cfg(not(target_arch = "wasm32"))]
use tokio::test;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Alice,
    Bob,
    Carol,
}
use Role::{Alice, Bob, Carol};

type Handler = InMemoryHandler<Role>;

fn pair() -> (Handler, Handler) {
    let network = InMemoryNetwork::new();
    (network.join(Alice).unwrap(), network.join(Bob).unwrap())
}

const SHORT: Duration = Duration::from_millis(20);

#[test]
async fn a_receive_before_the_send_waits() {
    let (alice, bob) = pair();
    let receive = bob.recv::<u32>(&(), Alice);
    let send = async {
        sleep(SHORT).await;
        alice.send(&(), Bob, &7_u32).await
    };
    let (received, sent) = join(receive, send).await;
    assert_eq!(received.unwrap(), 7);
    sent.unwrap();
}

#[test]
async fn messages_queued_behind_the_first_receive_all_arrive_in_order() {
    let (alice, bob) = pair();
    for n in 0..10_u32 {
        alice.send(&(), Bob, &n).await.unwrap();
    }
    for n in 0..10 {
        assert_eq!(bob.recv::<u32>(&(), Alice).await.unwrap(), n);
    }
}

mod old {
    #[derive(serde::Serialize)]
    pub(super) struct Order {
        pub(super) book: u8,
    }
}

#[derive(Debug, Deserialize)]
struct Order {
    #[allow(dead_code)]
    book: String,
}

#[test]
async fn a_message_that_does_not_decode_is_one_typed_error_and_the_next_is_fine() {
    let (alice, bob) = pair();
    alice
        .send(&(), Bob, &old::Order { book: 200 })
        .await
        .unwrap();
    alice.send(&(), Bob, &"next").await.unwrap();
    let error = bob.recv::<Order>(&(), Alice).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(
        error.to_string(),
        "receive from Alice: 1 bytes are not a Order"
    );
    assert!(std::error::Error::source(&error).is_some());
    assert_eq!(bob.recv::<String>(&(), Alice).await.unwrap(), "next");
}

#[test]
async fn a_receive_that_times_out_loses_neither_the_channel_nor_the_message() {
    let (alice, bob) = pair();
    assert!(timeout(SHORT, bob.recv::<u32>(&(), Alice)).await.is_err());
    alice.send(&(), Bob, &1_u32).await.unwrap();
    assert_eq!(bob.recv::<u32>(&(), Alice).await.unwrap(), 1);

    // The same by the layer.
    let bob = Timeout::new(bob, SHORT);
    let error = bob.recv::<u32>(&(), Alice).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    alice.send(&(), Bob, &2_u32).await.unwrap();
    assert_eq!(bob.recv::<u32>(&(), Alice).await.unwrap(), 2);
}

#[test]
async fn another_type_or_kind_than_expected_is_a_protocol_violation_not_a_wrong_value() {
    let (alice, bob) = pair();
    alice.send(&(), Bob, &70_000_u64).await.unwrap();
    alice.choose(&(), Bob, Label::from("accept")).await.unwrap();
    alice.send(&(), Bob, &"accept").await.unwrap();
    alice.send(&(), Bob, &5_u16).await.unwrap();

    let wrong_type = bob.recv::<u16>(&(), Alice).await.unwrap_err();
    assert_eq!(wrong_type.kind(), ErrorKind::Protocol);
    assert_eq!(
        wrong_type.to_string(),
        "receive from Alice: expected a message of type u16, found a message of type u64"
    );
    let label = bob.recv::<String>(&(), Alice).await.unwrap_err();
    assert_eq!(
        label.to_string(),
        "receive from Alice: expected a message, found the label `accept`"
    );
    let message = bob.offer::<Label>(&(), Alice).await.unwrap_err();
    assert_eq!(
        message.to_string(),
        "offer from Alice: expected a label, found a message of type String"
    );
    assert_eq!(bob.recv::<u16>(&(), Alice).await.unwrap(), 5);
}

#[test]
async fn a_layer_is_chosen_by_an_if_at_run_time() {
    for traced in [false, true] {
        let network = InMemoryNetwork::new();
        let mut alice: BoxHandler<Role> = network.join(Alice).unwrap().boxed();
        if traced {
            alice = Trace::new(alice, "Alice").boxed();
        }
        let bob = network.join(Bob).unwrap();
        alice.send(&(), Bob, &1_u8).await.unwrap();
        assert_eq!(bob.recv::<u8>(&(), Alice).await.unwrap(), 1);
    }
}

#[test]
async fn a_time_limit_wraps_the_handlers_own_receive_while_the_handler_is_used() {
    let (alice, bob) = pair();
    let (waited, sent) = join(
        timeout(Duration::from_secs(5), bob.recv::<u32>(&(), Alice)),
        async {
            bob.send(&(), Alice, &1_u32).await.unwrap();
            let one: u32 = alice.recv(&(), Bob).await.unwrap();
            alice.send(&(), Bob, &(one + 1)).await
        },
    )
    .await;
    sent.unwrap();
    assert_eq!(waited.unwrap().unwrap(), 2);
}

/// Serialises for ever the wrong way, and counts how often it is asked.
struct Unserialisable<'a>(&'a AtomicUsize);

impl Serialize for Unserialisable<'_> {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(serde::ser::Error::custom("never"))
    }
}

#[test]
async fn retry_does_not_repeat_what_would_fail_again() {
    let (alice, bob) = pair();
    let alice = Retry::new(alice, 5, Duration::from_millis(1));
    let tries = AtomicUsize::new(0);
    let error = alice
        .send(&(), Bob, &Unserialisable(&tries))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode);
    assert_eq!(tries.into_inner(), 1);
    bob.send(&(), Alice, &1_u64).await.unwrap();
    bob.send(&(), Alice, &2_u16).await.unwrap();
    let error = alice.recv::<u16>(&(), Bob).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(
        alice.recv::<u16>(&(), Bob).await.unwrap(),
        2,
        "a receive is never retried"
    );
}

/// Delivers, then says that it failed.
struct DeliversAndFails<H>(H);

#[async_trait]
impl<H: ChoreoHandler> ChoreoHandler for DeliversAndFails<H> {
    type Role = H::Role;
    type Endpoint = H::Endpoint;

    async fn send_payload(
        &self,
        endpoint: &H::Endpoint,
        to: &H::Role,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        self.0.send_payload(endpoint, to, payload).await?;
        Err(Error::new(
            ErrorKind::Transport,
            "the acknowledgement was lost",
        ))
    }

    async fn recv_payload(&self, endpoint: &H::Endpoint, from: &H::Role) -> Result<Incoming> {
        self.0.recv_payload(endpoint, from).await
    }
}

#[test]
async fn a_send_that_was_delivered_and_then_failed_is_not_sent_again() {
    let (alice, bob) = pair();
    let alice = Retry::new(DeliversAndFails(alice), 4, Duration::from_millis(1));
    assert!(alice.send(&(), Bob, &"once").await.is_err());
    drop(alice);
    assert_eq!(bob.recv::<String>(&(), Alice).await.unwrap(), "once");
    assert_eq!(
        bob.recv::<String>(&(), Alice).await.unwrap_err().kind(),
        ErrorKind::Closed
    );
}

#[test]
async fn many_retries_do_not_overflow_the_backoff() {
    let (alice, _bob) = pair();
    let faults = FaultInjection::new(alice).with_failure_rate(1.0);
    let alice = Retry::new(faults, 70, Duration::from_nanos(1));
    let limited = timeout(Duration::from_millis(300), alice.send(&(), Bob, &1_u8)).await;
    // Whether the retries run out or the limit comes first: no panic.
    assert!(limited.is_err() || limited.unwrap().is_err());
}

#[test]
async fn metrics_count_labels_too() {
    let (alice, bob) = pair();
    let alice = Metrics::new(alice);
    alice.choose(&(), Bob, Label::from("a")).await.unwrap();
    bob.choose(&(), Alice, Label::from("b")).await.unwrap();
    alice.offer::<Label>(&(), Bob).await.unwrap();
    assert_eq!((alice.choose_count(), alice.offer_count()), (1, 1));
    assert_eq!((alice.send_count(), alice.recv_count()), (0, 0));
}

/// Has a broadcast of its own.
struct OwnBroadcast<H> {
    inner: H,
    broadcasts: AtomicUsize,
}

#[async_trait]
impl<H: ChoreoHandler> ChoreoHandler for OwnBroadcast<H> {
    type Role = H::Role;
    type Endpoint = H::Endpoint;

    async fn send_to_all(
        &self,
        endpoint: &H::Endpoint,
        to: &[H::Role],
        payload: Outgoing<'_>,
    ) -> Result<()> {
        self.broadcasts.fetch_add(1, Ordering::SeqCst);
        self.inner.send_to_all(endpoint, to, payload).await
    }

    forward!(inner: send_payload, recv_payload);
}

#[test]
async fn every_layer_forwards_the_inner_handlers_own_broadcast() {
    let network = InMemoryNetwork::new();
    let inner = OwnBroadcast {
        inner: network.join(Alice).unwrap(),
        broadcasts: 0.into(),
    };
    let inner = std::sync::Arc::new(inner);
    let stack = FaultInjection::new(inner.clone()).with_failure_rate(0.0);
    let stack = Retry::new(stack, 3, SHORT);
    let stack = Trace::new(Metrics::new(Timeout::new(stack, SHORT)), "Alice");
    let stack = stack.bind(()).boxed();
    stack.broadcast(&(), &[Bob, Carol], &1_u8).await.unwrap();
    assert_eq!(inner.broadcasts.load(Ordering::SeqCst), 1);
}

#[test]
async fn values_received_in_nested_loops_are_kept_once_each() {
    let (alice, bob) = pair();
    let inner = Program::new().recv::<u32>(Bob);
    let program = Program::new()
        .loop_n(10, Program::new().loop_n(3, inner))
        .end();
    let send = async {
        for n in 0..30_u32 {
            bob.send(&(), Alice, &n).await.unwrap();
        }
    };
    let (result, ()) = join(interpret(&alice, &(), program), send).await;
    assert_eq!(result.unwrap().received_values, (0..30).collect::<Vec<_>>());
}

#[test]
async fn parallel_programs_run_at_once() {
    let network = InMemoryNetwork::new();
    let [alice, bob, carol] = [Alice, Bob, Carol].map(|role| network.join(role).unwrap());
    // In sequence this would wait for ever: Bob answers only when Carol has heard from Alice.
    let program = Program::new()
        .parallel([
            Program::new().recv::<u32>(Bob),
            Program::new().send(Carol, 1).recv::<u32>(Carol),
        ])
        .end();
    let bob = async {
        let n: u32 = bob.recv(&(), Carol).await.unwrap();
        bob.send(&(), Alice, &n).await.unwrap();
    };
    let carol = async {
        let n: u32 = carol.recv(&(), Alice).await.unwrap();
        carol.send(&(), Bob, &(n + 1)).await.unwrap();
        carol.send(&(), Alice, &(n + 2)).await.unwrap();
    };
    let run = timeout(Duration::from_secs(10), interpret(&alice, &(), program));
    let (result, (), ()) = join3(run, bob, carol).await;
    assert_eq!(result.unwrap().unwrap().received_values, [2, 3]);
}

#[cfg(not(target_arch = "wasm32"))]
#[tokio::test(start_paused = true)]
async fn three_waits_in_parallel_take_as_long_as_one() {
    let network = InMemoryNetwork::new();
    let alice = network.join(Alice).unwrap();
    let wait = || {
        let never = Program::<Role, u32>::new().recv::<u32>(Bob);
        Program::new().with_timeout_or(Duration::from_millis(100), never, Program::new())
    };
    let start = tokio::time::Instant::now();
    interpret(
        &alice,
        &(),
        Program::new().parallel([wait(), wait(), wait()]),
    )
    .await
    .unwrap();
    assert_eq!(start.elapsed().as_millis(), 100);
}

#[test]
async fn an_endless_loop_loops_until_a_branch_leaves_it() {
    let (alice, bob) = pair();
    let program = Program::new()
        .loop_inf(Program::new().branch(
            Bob,
            [
                ("more", Program::new().recv::<u32>(Bob)),
                ("enough", Program::new().exit_loop()),
            ],
        ))
        .send(Bob, 99)
        .end();
    let bob = async {
        for n in 0..200_u32 {
            bob.choose(&(), Alice, Label::from("more")).await.unwrap();
            bob.send(&(), Alice, &n).await.unwrap();
        }
        bob.choose(&(), Alice, Label::from("enough")).await.unwrap();
        bob.recv::<u32>(&(), Alice).await.unwrap()
    };
    let (result, last) = join(interpret(&alice, &(), program), bob).await;
    let result = result.unwrap();
    assert_eq!(result.received_values, (0..200).collect::<Vec<_>>());
    assert_eq!(result.labels.len(), 201);
    assert_eq!(last, 99);
}

#[test]
async fn a_failure_is_an_error_with_the_place_the_source_and_what_was_received() {
    let (alice, bob) = pair();
    bob.send(&(), Alice, &1_u32).await.unwrap();
    bob.send(&(), Alice, &2_u32).await.unwrap();
    drop(bob);
    let body = Program::new().recv::<u32>(Bob);
    let failed = interpret(&alice, &(), Program::new().loop_n(3, body))
        .await
        .unwrap_err();
    assert_eq!(failed.received.received_values, [1, 2]);
    assert_eq!(failed.error.kind(), ErrorKind::Closed);
    assert_eq!(failed.error.peer(), Some("Bob"));
    assert_eq!(
        failed.to_string(),
        "Alice: receive from Bob: step 1 (loop 3 times): round 3: step 1 (receive from Bob): \
         the peer has left the session (its handler was dropped)"
    );
}

#[test]
async fn an_extension_runs_or_is_an_error_that_names_it() {
    let alice = Handler::new(Alice);
    let program = Program::<Role, u32>::new()
        .loop_inf(Program::new().extension("audit", "checked".to_string()))
        .end();

    let failed = interpret(&alice, &(), program.clone()).await.unwrap_err();
    assert_eq!(failed.error.kind(), ErrorKind::Extension);
    assert!(
        failed
            .to_string()
            .contains("extension `audit` is not registered"),
        "{failed}"
    );

    let runs = std::sync::Arc::new(AtomicUsize::new(0));
    let counter = runs.clone();
    let extensions = Extensions::new().with("audit", move |text: &String, _: &[u32]| {
        assert_eq!(text, "checked");
        let run = counter.fetch_add(1, Ordering::SeqCst) + 1;
        Box::pin(async move {
            Ok(if run < 3 {
                Flow::Continue
            } else {
                Flow::ExitLoop
            })
        })
    });
    let interpreter = Interpreter::new(&alice, &()).extensions(&extensions);
    interpreter.run(&program).await.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 3);

    let other_type = Program::<Role, u32>::new().extension("audit", 7_u8);
    let failed = interpreter.run(&other_type).await.unwrap_err();
    assert!(
        failed
            .to_string()
            .contains("extension `audit` takes a String"),
        "{failed}"
    );
}

#[test]
async fn time_is_told_without_a_trap_on_every_platform() {
    let start = runtime::Instant::now();
    sleep(SHORT).await;
    assert!(start.elapsed() >= SHORT, "{:?}", start.elapsed());
}

//! tower's own layers on a handler, and a handler as a service.
#![cfg(feature = "tower")]

use std::future::{Ready, pending, ready};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ::tower::layer::util::Identity;
use ::tower::limit::ConcurrencyLimitLayer;
use ::tower::load_shed::LoadShedLayer;
use ::tower::retry::{Policy, RetryLayer};
use ::tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};
use choreo_core::{
    ChoreoHandler, ChoreoHandlerExt, Error, ErrorKind, Label, Operation, Outgoing, RoleName, labels,
};
use choreo_middleware::tower::{Gate, HandlerService, Reply, Request, TowerLayer};
use choreo_testkit::{Probe, ProbeEndpoint, layer_suite};
use futures::future::join;
use futures::{FutureExt, poll};

use crate::common::{ALICE, BOB, CAROL, Stuck, pair, unsent};

labels! {
    enum Decision { Accept }
}

const TICK: Duration = Duration::from_millis(5);
#[cfg(not(target_arch = "wasm32"))]
const LONG: Duration = Duration::from_secs(60);

layer_suite!(no_layer, TowerLayer::for_all(Identity::new()));
layer_suite!(
    limit,
    TowerLayer::for_all(ConcurrencyLimitLayer::new(1_000))
);
layer_suite!(
    limit_of_one_receive_for_each_peer,
    TowerLayer::new(ConcurrencyLimitLayer::new(10))
);
layer_suite!(load_shed, TowerLayer::for_all(LoadShedLayer::new()));
layer_suite!(
    retry_by_policy,
    TowerLayer::for_all(RetryLayer::new(Always::default().up_to(2)))
);
#[cfg(not(target_arch = "wasm32"))]
layer_suite!(
    timeout,
    TowerLayer::for_all(::tower::timeout::TimeoutLayer::new(LONG))
);
#[cfg(not(target_arch = "wasm32"))]
layer_suite!(
    rate_limit,
    TowerLayer::for_all(::tower::limit::RateLimitLayer::new(1_000_000, TICK))
);
#[cfg(not(target_arch = "wasm32"))]
layer_suite!(
    buffer,
    TowerLayer::for_all(::tower::buffer::BufferLayer::<Request<RoleName>>::new(100))
);
#[cfg(not(target_arch = "wasm32"))]
layer_suite!(
    several,
    TowerLayer::for_all(
        ServiceBuilder::new()
            .timeout(LONG)
            .load_shed()
            .retry(Always::default().up_to(2))
            .buffer(100)
            .concurrency_limit(1_000)
            .rate_limit(1_000_000, TICK)
    )
);

/// A policy that asks for every failed request again, whatever it was.
#[derive(Clone, Default)]
struct Always {
    left: usize,
    asked: Arc<AtomicUsize>,
}

impl Always {
    fn up_to(mut self, retries: usize) -> Self {
        self.left = retries;
        self
    }
}

impl<R: Clone, E> Policy<Request<R>, Reply, E> for Always {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Request<R>, result: &mut Result<Reply, E>) -> Option<Ready<()>> {
        if result.is_ok() || self.left == 0 {
            return None;
        }
        self.left -= 1;
        self.asked.fetch_add(1, Ordering::Relaxed);
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Request<R>) -> Option<Request<R>> {
        Some(request.clone())
    }
}

/// A policy for requests that have not been sent.
#[derive(Clone)]
struct WhileUnsent(usize);

impl<R: Clone> Policy<Request<R>, Reply, Error> for WhileUnsent {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        request: &mut Request<R>,
        result: &mut Result<Reply, Error>,
    ) -> Option<Ready<()>> {
        assert_ne!(request.operation(), Operation::Recv);
        let unsent = result.as_ref().is_err_and(Error::is_transient);
        let left = self.0.checked_sub(1).filter(|_| unsent)?;
        self.0 = left;
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Request<R>) -> Option<Request<R>> {
        Some(request.clone())
    }
}

/// A handler that fails so many sends before they are sent.
fn failing(sends: usize) -> (Probe, Arc<AtomicUsize>) {
    let (probe, failed) = (Probe::new(), Arc::<AtomicUsize>::default());
    let (of_probe, count) = (probe.clone(), Arc::clone(&failed));
    probe.fail_with(move || {
        if count.fetch_add(1, Ordering::Relaxed) + 1 == sends {
            of_probe.succeed();
        }
        unsent()
    });
    (probe, failed)
}

tests! {
    async fn a_policy_of_ones_own_repeats_what_was_not_sent() {
        let (probe, failed) = failing(2);
        let handler = probe.clone().layer(TowerLayer::new(RetryLayer::new(WhileUnsent(5))));
        let endpoint = ProbeEndpoint { id: 3 };
        handler.send(&endpoint, BOB.into(), &"third time lucky").await.unwrap();
        assert_eq!((failed.load(Ordering::Relaxed), probe.take_calls().len()), (2, 3));

        let (probe, failed) = failing(9);
        let handler = probe.clone().layer(TowerLayer::new(RetryLayer::new(WhileUnsent(5)))).bind(endpoint).boxed();
        let error = handler.choose(&(), BOB.into(), Decision::Accept).await.unwrap_err();
        assert!(error.is_transient() && error.kind() == ErrorKind::Transport, "{error:?}");
        assert_eq!(failed.load(Ordering::Relaxed), 6);
    }

    async fn what_may_have_been_sent_is_not_sent_again_whatever_a_policy_says() {
        let always = Always::default().up_to(7);
        let probe = Probe::new();
        probe.fail_with(|| Error::new(ErrorKind::Transport, "half of it was written"));
        let handler = probe.clone().layer(TowerLayer::for_all(RetryLayer::new(always.clone())));
        let endpoint = ProbeEndpoint::default();
        for receives in [false, true] {
            let error = match receives {
                false => handler.send(&endpoint, BOB.into(), &1_u32).await.unwrap_err(),
                true => handler.recv::<u32>(&endpoint, BOB.into()).await.unwrap_err(),
            };
            assert_eq!(error.kind(), ErrorKind::Transport);
            assert!(!error.is_transient());
            assert!(error.to_string().contains("half of it was written"), "{error}");
            assert_eq!(probe.take_calls().len(), 1);
        }
        assert!(always.asked.load(Ordering::Relaxed) >= 2, "the policy did ask for it");
    }

    async fn what_was_sent_counts_as_sent_and_what_came_comes_whatever_the_layers_say() {
        // A layer that says of everything that it failed, and one that never says anything.
        let refuses = ::tower::layer::layer_fn(|gate| {
            ServiceExt::<Request<&'static str>>::map_result(gate, |result: Result<Reply, Error>| {
                result.and_then(|_| Err::<Reply, _>(Error::new(ErrorKind::Config, "refused")))
            })
        });
        let hangs = ::tower::layer::layer_fn(|gate| {
            ServiceExt::<Request<&'static str>>::then(gate, |result: Result<Reply, Error>| async {
                result?;
                pending::<Result<Reply, Error>>().await
            })
        });
        let (alice, bob) = pair();
        let (alice, bob) = (
            alice.layer(TowerLayer::for_all(refuses)).layer(TowerLayer::for_all(hangs)),
            bob.layer(TowerLayer::for_all(hangs)).layer(TowerLayer::for_all(refuses)),
        );
        for n in 0..3_u32 {
            alice.send(&(), BOB, &n).await.unwrap();
            assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), n);
        }
    }

    async fn a_concurrency_limit_holds_back_sends_in_their_order() {
        let handler = Stuck.layer(TowerLayer::new(ConcurrencyLimitLayer::new(1)));
        let mut first = pin!(handler.send(&(), BOB, &1_u32));
        let mut second = pin!(handler.send(&(), CAROL, &1_u32));
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());

        let (alice, bob) = pair();
        let alice = alice.layer(TowerLayer::new(ConcurrencyLimitLayer::new(1))).boxed();
        let sends = async {
            let sends = (0..100_u32).map(async |n| alice.send(&(), BOB, &n).await);
            futures::future::join_all(sends).await
        };
        let receives = async {
            for n in 0..100 {
                assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), n);
            }
        };
        let (sent, ()) = join(sends, receives).await;
        assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    }

    async fn a_receive_that_waits_leaves_sends_alone_unless_they_share_a_limit() {
        let limit = ConcurrencyLimitLayer::new(1);
        for (layer, sends) in [(TowerLayer::new(limit.clone()), true), (TowerLayer::for_all(limit.clone()), false)] {
            let (alice, bob) = pair();
            let alice = alice.layer(layer).boxed();
            let mut receiving = Box::pin(alice.recv::<u32>(&(), BOB));
            assert!(poll!(&mut receiving).is_pending());
            let mut sending = Box::pin(alice.send(&(), BOB, &1_u32));
            assert_eq!(poll!(&mut sending).is_ready(), sends);
            bob.send(&(), ALICE, &2_u32).await.unwrap();
            assert_eq!(receiving.await.unwrap(), 2);
            if !sends {
                sending.await.unwrap();
            }
            assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), 1);
        }
        let (alice, bob) = pair();
        let alice = alice.layer(TowerLayer::new(limit.clone())).layer(TowerLayer::for_receives(limit));
        let (mut one, mut two) = (Box::pin(alice.recv::<u32>(&(), BOB)), Box::pin(alice.recv::<u32>(&(), BOB)));
        assert!(poll!(&mut one).is_pending() && poll!(&mut two).is_pending());
        alice.send(&(), BOB, &1_u32).await.unwrap();
        assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), 1);
    }

    async fn operations_that_are_dropped_while_they_wait_leave_their_place_to_others() {
        let (alice, bob) = pair();
        let alice = alice.layer(TowerLayer::for_all(ConcurrencyLimitLayer::new(1)));
        for n in 0..5_u32 {
            let mut receiving = Box::pin(alice.recv::<u32>(&(), BOB));
            let mut dropped = Box::pin(alice.send(&(), BOB, &99_u32));
            let mut sending = Box::pin(alice.send(&(), BOB, &n));
            assert!(poll!(&mut receiving).is_pending() && poll!(&mut dropped).is_pending());
            assert!(poll!(&mut sending).is_pending());
            drop((receiving, dropped));
            sending.await.unwrap();
            assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), n);
        }
    }

    async fn shed_load_is_busy_unsent_and_leaves_the_endpoint_usable() {
        let (alice, bob) = pair();
        let layers = ServiceBuilder::new().load_shed().concurrency_limit(1);
        let alice = alice.layer(TowerLayer::for_all(layers)).boxed();
        for n in 0..5_u32 {
            let mut receiving = alice.recv::<u32>(&(), BOB).boxed();
            assert!(poll!(&mut receiving).is_pending());
            let error = alice.send(&(), BOB, &99_u32).await.unwrap_err();
            assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Busy, true));
            assert_eq!((error.operation(), error.peer()), (Some(Operation::Send), Some(BOB)));
            let error = alice.recv::<u32>(&(), CAROL).await.unwrap_err();
            assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Busy, false));
            drop(receiving);
            alice.send(&(), BOB, &n).await.unwrap();
            assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), n);
        }
    }

    #[cfg(feature = "retry")]
    async fn the_retry_layer_above_sends_again_what_was_shed() {
        let (alice, bob) = pair();
        let layers = ServiceBuilder::new().load_shed().concurrency_limit(1);
        let alice = alice
            .layer(TowerLayer::for_all(layers))
            .layer(choreo_middleware::RetryLayer::new(1_000, TICK).max_delay(TICK));
        let receives = async {
            let received = alice.recv::<u32>(&(), BOB).await;
            received.unwrap()
        };
        let talks = async {
            let mut sending = pin!(alice.send(&(), BOB, &7_u32));
            assert!(poll!(&mut sending).is_pending(), "shed, and tried again later");
            bob.send(&(), ALICE, &8_u32).await.unwrap();
            sending.await.unwrap();
            bob.recv::<u32>(&(), ALICE).await.unwrap()
        };
        assert_eq!(join(receives, talks).await, (8, 7));
    }

    async fn errors_of_layers_that_say_nothing_else_are_config_errors_with_their_source() {
        let refuses = ::tower::layer::layer_fn(|_| {
            service_fn(async |_: Request<&'static str>| Err::<Reply, _>(BoxError::from("on Mondays only")))
        });
        let (alice, _bob) = pair();
        let error = alice.layer(TowerLayer::new(refuses)).send(&(), BOB, &1_u32).await.unwrap_err();
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Config, true));
        assert!(error.report().ends_with("on Mondays only"), "{error:?}");
    }

    async fn a_layer_that_sends_twice_at_once_is_refused() {
        let twice = ::tower::layer::layer_fn(|gate: Gate<&'static str>| {
            service_fn(move |request: Request<&'static str>| {
                let mut gate = gate.clone();
                async move {
                    let (first, second) = (gate.call(request.clone()), gate.call(request));
                    second.await.and(first.await)
                }
            })
        });
        let (alice, bob) = pair();
        let alice = alice.layer(TowerLayer::new(twice));
        // What was sent first is sent.
        alice.send(&(), BOB, &1_u32).await.unwrap();
        alice.send(&(), BOB, &2_u32).await.unwrap();
        assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), 1);
        assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), 2);
    }

    async fn a_handler_serves_code_that_knows_only_tower() {
        let (alice, bob) = pair();
        let (alice, bob) = (HandlerService::new(alice.boxed(), ()), HandlerService::new(bob, ()));
        assert_eq!(alice.clone().oneshot(Request::send(BOB, 42_u32)).await.unwrap(), Reply::Sent);
        let reply = bob.clone().oneshot(Request::recv(ALICE)).await.unwrap();
        assert_eq!(reply.clone().message::<u32>().unwrap(), 42);
        assert_eq!(reply.message::<u16>().unwrap_err().kind(), ErrorKind::Protocol);

        bob.clone().oneshot(Request::choose(ALICE, Decision::Accept)).await.unwrap();
        let reply = alice.clone().oneshot(Request::recv(BOB)).await.unwrap();
        assert_eq!(reply.label().unwrap(), Label::from("Accept"));
        assert_eq!(Reply::Sent.into_incoming().unwrap_err().kind(), ErrorKind::Protocol);

        let error = bob.oneshot(Request::send("Dave", 1_u32)).await;
        assert!(error.is_ok(), "in memory, a role may come later: {error:?}");
    }

    async fn a_service_sends_to_many_in_one_call_of_the_handler() {
        let (probe, endpoint) = (Probe::new(), ProbeEndpoint { id: 5 });
        let service = HandlerService::new(probe.clone(), endpoint);
        let both = [BOB, CAROL].map(RoleName::from);
        service.clone().oneshot(Request::broadcast(both.clone(), 1_u32)).await.unwrap();
        service.clone().oneshot(Request::choose_for_all(both.clone(), Decision::Accept)).await.unwrap();
        let calls = probe.take_calls();
        assert!(calls.len() == 2 && calls.iter().all(|call| matches!(call,
            choreo_testkit::Call::SendToAll { to, endpoint: with, .. } if *to == both && *with == endpoint)));

        let layered = probe.clone().layer(TowerLayer::new(ConcurrencyLimitLayer::new(1)));
        layered.send_to_all(&endpoint, &both, Outgoing::Message(&1_u32)).await.unwrap();
        assert_eq!(probe.take_calls(), calls[..1]);
    }

    async fn a_service_whose_answer_is_dropped_has_received_nothing() {
        let (alice, bob) = pair();
        let mut bob = HandlerService::new(bob, ());
        let mut dropped = bob.call(Request::recv(ALICE));
        assert!(poll!(&mut dropped).is_pending());
        drop(dropped);
        alice.send(&(), BOB, &1_u32).await.unwrap();
        assert_eq!(bob.call(Request::recv(ALICE)).await.unwrap().message::<u32>().unwrap(), 1);
    }
}

/// Layers that need tokio's time, or its tasks.
#[cfg(not(target_arch = "wasm32"))]
mod on_tokio {
    use ::tower::buffer::BufferLayer;
    use ::tower::limit::{GlobalConcurrencyLimitLayer, RateLimitLayer};
    use ::tower::timeout::TimeoutLayer;
    use choreo_core::{BoxHandler, runtime::Instant};

    use super::*;

    type Role = &'static str;

    /// Receives that many numbers from Alice, counted from 0.
    async fn expect_numbers(bob: &impl ChoreoHandler<Role = Role, Endpoint = ()>, numbers: u32) {
        for n in 0..numbers {
            assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), n);
        }
    }

    /// In the layer and in a box in the layer in a box.
    fn both<L, S>(layer: &TowerLayer<L>) -> [(BoxHandler<Role>, BoxHandler<Role>); 2]
    where
        L: choreo_core::Layer<Gate<Role>, Service = S>,
        S: Service<Request<Role>, Response = Reply, Error: Into<BoxError>, Future: Send>
            + Send
            + 'static,
    {
        let ((alice, bob), (in_box, other)) = (pair(), pair());
        [
            (alice.layer(layer).boxed(), bob.boxed()),
            (in_box.boxed().layer(layer).boxed(), other.boxed()),
        ]
    }

    #[tokio::test(start_paused = true)]
    async fn a_receive_under_towers_timeout_loses_nothing() {
        for (alice, bob) in both(&TowerLayer::for_all(TimeoutLayer::new(TICK))) {
            for n in 0..5_u32 {
                let error = alice.recv::<u32>(&(), BOB).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Timeout);
                assert_eq!(
                    (error.operation(), error.peer()),
                    (Some(Operation::Recv), Some(BOB))
                );
                assert!(!error.is_transient());
                bob.send(&(), ALICE, &n).await.unwrap();
                assert_eq!(alice.recv::<u32>(&(), BOB).await.unwrap(), n);
            }
        }
    }

    #[tokio::test]
    async fn what_is_ready_at_once_is_within_any_limit() {
        for (alice, bob) in both(&TowerLayer::for_all(TimeoutLayer::new(Duration::ZERO))) {
            alice.send(&(), BOB, &0_u32).await.unwrap();
            expect_numbers(&bob, 1).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_send_that_times_out_may_have_arrived_so_it_is_not_repeated() {
        let sends = Arc::<AtomicUsize>::default();
        let counted = Counted(Stuck, Arc::clone(&sends));
        let always = Always::default().up_to(3);
        let layers = ServiceBuilder::new().retry(always.clone()).timeout(TICK);
        let alice = counted.layer(TowerLayer::new(layers));
        let error = alice.send(&(), BOB, &1_u32).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.is_transient()),
            (ErrorKind::Timeout, false)
        );
        assert!(always.asked.load(Ordering::Relaxed) >= 1);
        assert_eq!(sends.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_receive_that_times_out_may_be_tried_again() {
        let (alice, bob) = pair();
        let layers = ServiceBuilder::new()
            .retry(Always::default().up_to(1_000))
            .timeout(TICK);
        let bob = bob.layer(TowerLayer::for_all(layers));
        let receiving = async { bob.recv::<u32>(&(), ALICE).await.unwrap() };
        let sending = async {
            choreo_core::runtime::sleep(4 * TICK).await;
            alice.send(&(), BOB, &7_u32).await.unwrap();
        };
        assert_eq!(join(receiving, sending).await.0, 7);
    }

    #[tokio::test(start_paused = true)]
    async fn what_times_out_before_it_began_is_unsent() {
        // The limit below the timeout keeps the second one in the buffer between them.
        let layers = ServiceBuilder::new()
            .timeout(TICK)
            .buffer(8)
            .concurrency_limit(1);
        let alice = Stuck.layer(TowerLayer::new(layers));
        let (first, second) =
            join(alice.send(&(), BOB, &1_u32), alice.send(&(), BOB, &2_u32)).await;
        let (first, second) = (first.unwrap_err(), second.unwrap_err());
        assert_eq!(
            (first.kind(), first.is_transient()),
            (ErrorKind::Timeout, false)
        );
        assert_eq!(
            (second.kind(), second.is_transient()),
            (ErrorKind::Timeout, true)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_limit_holds_sends_back_in_their_order() {
        let layer = TowerLayer::new(RateLimitLayer::new(2, Duration::from_secs(1)));
        for (alice, bob) in both(&layer) {
            let begin = tokio::time::Instant::now();
            let sends = (0..6_u32).map(async |n| alice.send(&(), BOB, &n).await.unwrap());
            join(futures::future::join_all(sends), expect_numbers(&bob, 6)).await;
            assert_eq!(
                begin.elapsed().as_secs(),
                2,
                "2 at once, 2 after a second, 2 after another"
            );
            // Receives are not held back.
            bob.send(&(), ALICE, &1_u32).await.unwrap();
            assert_eq!(alice.recv::<u32>(&(), BOB).await.unwrap(), 1);
            assert_eq!(begin.elapsed().as_secs(), 2);
        }
    }

    #[tokio::test]
    async fn a_buffer_keeps_the_order() {
        let layers = ServiceBuilder::new().buffer(3).concurrency_limit(1);
        for (alice, bob) in both(&TowerLayer::for_all(layers)) {
            let sends = (0..50_u32).map(async |n| alice.send(&(), BOB, &n).await.unwrap());
            join(futures::future::join_all(sends), expect_numbers(&bob, 50)).await;
        }
    }

    #[tokio::test]
    async fn what_is_dropped_in_a_buffer_is_not_sent() {
        let (alice, bob) = pair();
        let alice = alice.layer(TowerLayer::new(BufferLayer::<Request<Role>>::new(8)));
        for n in 0..20_u32 {
            let mut dropped = alice.send(&(), BOB, &99_u32).boxed();
            assert!(poll!(&mut dropped).is_pending(), "it is the worker's turn");
            drop(dropped);
            alice.send(&(), BOB, &n).await.unwrap();
        }
        expect_numbers(&bob, 20).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn tasks_share_a_handler_under_layers_on_several_threads() {
        let (alice, bob) = pair();
        let layers = ServiceBuilder::new()
            .timeout(LONG)
            .retry(Always::default().up_to(2))
            .buffer(4)
            .concurrency_limit(2);
        let alice = Arc::new(alice.layer(TowerLayer::new(layers)));
        let mut tasks = Vec::new();
        for task in 0..8_u32 {
            let alice = Arc::clone(&alice);
            tasks.push(tokio::spawn(async move {
                for n in 0..200_u32 {
                    alice.send(&(), BOB, &(task, n)).await.unwrap();
                }
            }));
        }
        let mut next = [0_u32; 8];
        for _ in 0..8 * 200 {
            let (task, n) = bob.recv::<(u32, u32)>(&(), ALICE).await.unwrap();
            let next = &mut next[task as usize];
            assert_eq!(n, *next, "of task {task}");
            *next += 1;
        }
        for task in tasks {
            task.await.unwrap();
        }
    }

    #[test]
    fn a_buffer_whose_worker_is_gone_is_an_error_of_kind_closed() {
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap()
        };
        let (alice, _bob) = pair();
        let first = runtime();
        let entered = first.enter();
        let alice = alice.layer(TowerLayer::new(BufferLayer::<Request<Role>>::new(8)));
        drop(entered);
        drop(first);
        let error = runtime()
            .block_on(alice.send(&(), BOB, &1_u32))
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.is_transient()),
            (ErrorKind::Closed, true)
        );
    }

    #[tokio::test]
    async fn one_limit_may_hold_for_many_handlers() {
        let limit = GlobalConcurrencyLimitLayer::new(1);
        let stuck = [(); 2].map(|()| {
            Stuck.layer(TowerLayer::new(
                ServiceBuilder::new().load_shed().layer(limit.clone()),
            ))
        });
        let mut first = stuck[0].send(&(), BOB, &1_u32).boxed();
        assert!(poll!(&mut first).is_pending());
        let error = stuck[1].send(&(), BOB, &1_u32).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy);
        drop(first);
        assert!(poll!(stuck[1].send(&(), BOB, &1_u32).boxed()).is_pending());
    }

    #[tokio::test]
    async fn towers_layers_go_on_a_service_too() {
        let (alice, bob) = pair();
        let mut alice = ServiceBuilder::new()
            .buffer::<Request<Role>>(4)
            .rate_limit(1_000, TICK)
            .timeout(LONG)
            .service(HandlerService::new(alice, ()));
        let begin = Instant::now();
        for n in 0..20_u32 {
            let ready = alice.ready().await.unwrap();
            ready.call(Request::send(BOB, n)).await.unwrap();
        }
        assert!(begin.elapsed() < LONG);
        expect_numbers(&bob, 20).await;

        let mut bob = ServiceBuilder::new()
            .timeout(TICK)
            .service(HandlerService::new(bob, ()));
        let error = bob
            .ready()
            .await
            .unwrap()
            .call(Request::recv(ALICE))
            .await
            .unwrap_err();
        assert!(error.is::<::tower::timeout::error::Elapsed>(), "{error}");
    }

    #[tokio::test]
    async fn requests_are_not_taken_where_they_are_not_from() {
        // One that stands for a call, at another handler; and one made by hand, at the gate.
        let (alice, _bob) = pair();
        let (other, _) = pair();
        let other = HandlerService::new(other, ());
        let elsewhere = ::tower::layer::layer_fn(move |_: Gate<Role>| other.clone());
        let error = alice
            .layer(TowerLayer::new(elsewhere))
            .send(&(), BOB, &1_u32)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);

        let (alice, _bob) = pair();
        let own = ::tower::layer::layer_fn(|gate: Gate<Role>| {
            gate.map_request(|_: Request<Role>| Request::send(BOB, 2_u32))
        });
        let error = alice
            .layer(TowerLayer::new(own))
            .send(&(), BOB, &1_u32)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }

    /// Counts the sends that reach the handler in it.
    struct Counted(Stuck, Arc<AtomicUsize>);

    #[choreo_core::async_trait]
    impl ChoreoHandler for Counted {
        type Role = Role;
        type Endpoint = ();

        async fn send_payload(
            &self,
            _: &(),
            to: &Role,
            payload: Outgoing<'_>,
        ) -> choreo_core::Result<()> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.send_payload(&(), to, payload).await
        }

        async fn recv_payload(
            &self,
            _: &(),
            from: &Role,
        ) -> choreo_core::Result<choreo_core::Incoming> {
            self.0.recv_payload(&(), from).await
        }
    }
}

//! The API that `choreography!` generates beside the same calls written by hand, in one run:
//! `cargo bench --bench type_state`.
//!
//! The figures that count are the ratios that it prints last: times differ between machines.

use std::hint::black_box;
use std::time::Duration;

use choreo::prelude::*;
use criterion::Criterion;
use tokio::runtime::Runtime;

mod common;
use common::{PAYLOAD, Payload, Variant, runtime, time};

choreography! {
    /// Messages to and fro, for ever.
    protocol Rounds {
        roles Alice, Bob;
        loop {
            Alice -> Bob: Ping(Payload);
            Bob -> Alice: Pong(Payload);
        }
    }

    /// The same, as long as one of them wants.
    protocol Asked {
        roles Alice, Bob;
        loop {
            choice at Alice {
                Again => {
                    Alice -> Bob: Question(Payload);
                    Bob -> Alice: Answer(Payload);
                }
                Enough => break;
            }
        }
    }
}

labels! {
    enum Decision { Again, Enough }
}

use asked::{Answer, Question};
use rounds::{Ping, Pong};

/// The handlers of both roles, as tasks play them.
fn pair<H, R: RoleId + Copy>(
    [alice, bob]: [R; 2],
    stack: impl Fn(InMemoryHandler<R>) -> H,
) -> (H, H) {
    let network = InMemoryNetwork::new();
    let join = |role| stack(network.join(role).expect("free"));
    (join(alice), join(bob))
}

fn rounds_typed<H>(
    runtime: &Runtime,
    n: u64,
    stack: fn(InMemoryHandler<rounds::Role>) -> H,
) -> Duration
where
    H: ChoreoHandler<Role = rounds::Role, Endpoint = ()> + 'static,
{
    use rounds::Role;
    let (alice, bob) = pair([Role::Alice, Role::Bob], stack);
    let alice = async move {
        let mut next = rounds::alice(&alice, &());
        for _ in 0..n {
            let sent = next
                .send(Ping(black_box(PAYLOAD)))
                .await
                .expect("Bob listens");
            let (Pong(payload), again) = sent.recv().await.expect("Bob answers");
            black_box(payload);
            next = again;
        }
        // What was sent has been received: Bob is there no more either.
        drop(next);
    };
    let bob = async move {
        let mut next = rounds::bob(&bob, &());
        for _ in 0..n {
            let (Ping(payload), received) = next.recv().await.expect("Alice sends");
            next = received.send(Pong(payload)).await.expect("Alice listens");
        }
        drop(next);
    };
    runtime.block_on(time(alice, bob))
}

fn rounds_by_hand<H>(
    runtime: &Runtime,
    n: u64,
    stack: fn(InMemoryHandler<rounds::Role>) -> H,
) -> Duration
where
    H: ChoreoHandler<Role = rounds::Role, Endpoint = ()> + 'static,
{
    use rounds::Role;
    let (alice, bob) = pair([Role::Alice, Role::Bob], stack);
    let alice = async move {
        for _ in 0..n {
            let sent = alice.send(&(), Role::Bob, &Ping(black_box(PAYLOAD))).await;
            sent.expect("Bob listens");
            let Pong(payload) = alice.recv(&(), Role::Bob).await.expect("Bob answers");
            black_box(payload);
        }
    };
    let bob = async move {
        for _ in 0..n {
            let Ping(payload) = bob.recv(&(), Role::Alice).await.expect("Alice sends");
            let sent = bob.send(&(), Role::Alice, &Pong(payload)).await;
            sent.expect("Alice listens");
        }
    };
    runtime.block_on(time(alice, bob))
}

fn asked_typed<H>(
    runtime: &Runtime,
    n: u64,
    stack: fn(InMemoryHandler<asked::Role>) -> H,
) -> Duration
where
    H: ChoreoHandler<Role = asked::Role, Endpoint = ()> + 'static,
{
    use asked::Role;
    use asked::bob::Offered;
    let (alice, bob) = pair([Role::Alice, Role::Bob], stack);
    let alice = async move {
        let mut next = asked::alice(&alice, &());
        for _ in 0..n {
            let asks = next.again().await.expect("Bob listens");
            let sent = asks
                .send(Question(black_box(PAYLOAD)))
                .await
                .expect("Bob listens");
            let (Answer(payload), again) = sent.recv().await.expect("Bob answers");
            black_box(payload);
            next = again;
        }
        next.enough().await.expect("Bob listens");
    };
    let bob = async move {
        let mut next = asked::bob(&bob, &());
        while let Offered::Again(asked) = next.offer().await.expect("Alice decides") {
            let (Question(payload), received) = asked.recv().await.expect("Alice sends");
            let sent = received.send(Answer(payload)).await;
            next = sent.expect("Alice listens");
        }
    };
    runtime.block_on(time(alice, bob))
}

fn asked_by_hand<H>(
    runtime: &Runtime,
    n: u64,
    stack: fn(InMemoryHandler<asked::Role>) -> H,
) -> Duration
where
    H: ChoreoHandler<Role = asked::Role, Endpoint = ()> + 'static,
{
    use asked::Role;
    let (alice, bob) = pair([Role::Alice, Role::Bob], stack);
    let alice = async move {
        for _ in 0..n {
            let told = alice.choose(&(), Role::Bob, Decision::Again).await;
            told.expect("Bob listens");
            let sent = alice
                .send(&(), Role::Bob, &Question(black_box(PAYLOAD)))
                .await;
            sent.expect("Bob listens");
            let Answer(payload) = alice.recv(&(), Role::Bob).await.expect("Bob answers");
            black_box(payload);
        }
        let told = alice.choose(&(), Role::Bob, Decision::Enough).await;
        told.expect("Bob listens");
    };
    let bob = async move {
        while let Decision::Again = bob.offer(&(), Role::Alice).await.expect("Alice decides") {
            let Question(payload) = bob.recv(&(), Role::Alice).await.expect("Alice sends");
            let sent = bob.send(&(), Role::Alice, &Answer(payload)).await;
            sent.expect("Alice listens");
        }
    };
    runtime.block_on(time(alice, bob))
}

/// What is compared: the generated API, and the same calls by hand.
const PAIRS: [(&str, [Variant; 2]); 4] = [
    (
        "messages",
        [
            ("messages", |runtime, n| {
                rounds_typed(runtime, n, |handler| handler)
            }),
            ("messages, by hand", |runtime, n| {
                rounds_by_hand(runtime, n, |handler| handler)
            }),
        ],
    ),
    (
        "messages, boxed",
        [
            ("messages, boxed", |runtime, n| {
                rounds_typed(runtime, n, ChoreoHandlerExt::boxed)
            }),
            ("messages, boxed, by hand", |runtime, n| {
                rounds_by_hand(runtime, n, ChoreoHandlerExt::boxed)
            }),
        ],
    ),
    (
        "choices",
        [
            ("choices", |runtime, n| {
                asked_typed(runtime, n, |handler| handler)
            }),
            ("choices, by hand", |runtime, n| {
                asked_by_hand(runtime, n, |handler| handler)
            }),
        ],
    ),
    (
        "choices, boxed",
        [
            ("choices, boxed", |runtime, n| {
                asked_typed(runtime, n, ChoreoHandlerExt::boxed)
            }),
            ("choices, boxed, by hand", |runtime, n| {
                asked_by_hand(runtime, n, ChoreoHandlerExt::boxed)
            }),
        ],
    ),
];

fn bench(criterion: &mut Criterion) {
    let runtime = &runtime();
    let mut group = criterion.benchmark_group("round of 32 bytes");
    for (name, time) in PAIRS.into_iter().flat_map(|(_, pair)| pair) {
        group.bench_function(name, |b| b.iter_custom(|n| time(runtime, n)));
    }
    group.finish();
}

/// Times both in turn, and gives the ratio of the shortest times: what else the machine does makes
/// others longer, and a step costs little.
fn compare(pair: [Variant; 2], samples: usize) -> f64 {
    const ROUNDS: u64 = 10_000;
    let runtime = &runtime();
    let mut shortest = [Duration::MAX; 2];
    for _ in 0..samples {
        for ((_, time), shortest) in pair.iter().zip(&mut shortest) {
            *shortest = time(runtime, ROUNDS).min(*shortest);
        }
    }
    let [typed, by_hand] = shortest.map(|time| time.as_secs_f64());
    typed / by_hand
}

fn report(samples: usize) {
    for (what, pair) in PAIRS {
        let ratio = compare(pair, samples);
        println!("{what:<38}{ratio:>6.3} times the same calls by hand (at most 1.05)");
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
    // `cargo bench -- --test` only tries whether it all runs.
    let only_trying = std::env::args().any(|argument| argument == "--test");
    report(if only_trying { 1 } else { 401 });
}

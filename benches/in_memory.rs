//! The in-memory handler beside a bare channel, in one run: `cargo bench`.
//!
//! The figures that count are the ratios that it prints last: times differ between machines.

use std::time::Duration;

use choreo::middleware::{Metrics, Trace};
use choreo::prelude::*;
use criterion::Criterion;
use tokio::runtime::Runtime;

mod common;
use common::{PAYLOAD, Payload, bare_ping_pong, runtime, time};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Alice,
    Bob,
}

/// Steps of the program: half of them sends, half receives.
const PROGRAM_STEPS: usize = 1_000;

/// The same over a pair of handlers that `stack` has wrapped.
fn ping_pong<H>(
    runtime: &Runtime,
    rounds: u64,
    stack: impl Fn(InMemoryHandler<Role>) -> H,
) -> Duration
where
    H: ChoreoHandler<Role = Role, Endpoint = ()> + 'static,
{
    let network = InMemoryNetwork::new();
    let handler = stack(network.join(Role::Alice).expect("free"));
    let alice = async move {
        for _ in 0..rounds {
            handler
                .send(&(), Role::Bob, &PAYLOAD)
                .await
                .expect("Bob listens");
            let payload: Payload = handler.recv(&(), Role::Bob).await.expect("Bob answers");
            std::hint::black_box(payload);
        }
    };
    let handler = stack(network.join(Role::Bob).expect("free"));
    let bob = async move {
        for _ in 0..rounds {
            let payload: Payload = handler.recv(&(), Role::Alice).await.expect("Alice sends");
            handler
                .send(&(), Role::Alice, &payload)
                .await
                .expect("Alice listens");
        }
    };
    runtime.block_on(time(alice, bob))
}

/// Programs of sends and receives in turn.
fn programs(runtime: &Runtime, runs: u64) -> Duration {
    let mut alice = Program::new();
    let mut bob = Program::new();
    for _ in 0..PROGRAM_STEPS / 2 {
        alice = alice.send(Role::Bob, PAYLOAD).recv::<Payload>(Role::Bob);
        bob = bob.recv::<Payload>(Role::Alice).send(Role::Alice, PAYLOAD);
    }
    let network = InMemoryNetwork::new();
    let run = |role, program: Program<Role, Payload>| {
        let handler = network.join(role).expect("free");
        async move {
            for _ in 0..runs {
                let result = choreo::Interpreter::new(&handler, &()).run(&program).await;
                std::hint::black_box(result.expect("the peer plays along"));
            }
        }
    };
    runtime.block_on(time(run(Role::Alice, alice), run(Role::Bob, bob)))
}

/// What is measured: a name and how to time so many rounds of it.
type Variant = (&'static str, fn(&Runtime, u64) -> Duration);

const BARE: Variant = ("bare channel", bare_ping_pong);
const HANDLER: Variant = ("handler", |runtime, n| {
    ping_pong(runtime, n, |handler| handler)
});
const BOXED: Variant = ("boxed", |runtime, n| {
    ping_pong(runtime, n, ChoreoHandlerExt::boxed)
});
const METRICS: Variant = ("boxed, with Metrics", |runtime, n| {
    ping_pong(runtime, n, |handler| Metrics::new(handler.boxed()).boxed())
});
/// Nobody subscribes, so tracing is off.
const TRACE: Variant = ("boxed, with Trace while off", |runtime, n| {
    ping_pong(runtime, n, |handler| {
        Trace::new(handler.boxed(), "role").boxed()
    })
});
/// A round of a ping-pong is two steps of the program.
const PROGRAM: Variant = ("program", |runtime, n| {
    programs(runtime, n.div_ceil(PROGRAM_STEPS as u64 / 2))
});

fn bench(criterion: &mut Criterion) {
    let runtime = &runtime();
    let mut group = criterion.benchmark_group("ping-pong round of 32 bytes");
    for (name, time) in [BARE, HANDLER, BOXED, METRICS, TRACE, PROGRAM] {
        group.bench_function(name, |b| b.iter_custom(|n| time(runtime, n)));
    }
    group.finish();
}

/// Times two variants in turn, so that what else the machine does hits both, and gives the medians
/// of the ratio and of the difference in nanoseconds a round.
fn compare((_, this): Variant, (_, other): Variant, samples: usize) -> (f64, f64) {
    const ROUNDS: u64 = 20_000;
    let runtime = &runtime();
    let mut pairs: Vec<(f64, f64)> = (0..samples)
        .map(|_| {
            let [this, other] = [this, other].map(|time| time(runtime, ROUNDS).as_nanos() as f64);
            (this / other, (this - other) / ROUNDS as f64)
        })
        .collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ratio = pairs[samples / 2].0;
    pairs.sort_by(|a, b| a.1.total_cmp(&b.1));
    (ratio, pairs[samples / 2].1)
}

fn report(samples: usize) {
    for (what, variant, most) in [
        ("ping-pong, no layers", HANDLER, 2.5),
        ("program of 1,000 sends and receives", PROGRAM, 3.0),
    ] {
        let (ratio, _) = compare(variant, BARE, samples);
        println!("{what:<38}{ratio:>6.2} times the bare channel (at most {most})");
    }
    for (what, variant) in [
        ("Metrics in a box", METRICS),
        ("Trace in a box, while off", TRACE),
    ] {
        // A round is four operations: each side sends and receives.
        let (_, more) = compare(variant, BOXED, samples);
        println!(
            "{what:<38}{:>6.1} ns more per operation (at most 25)",
            more / 4.0
        );
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
    // `cargo bench -- --test` only tries whether it all runs.
    let only_trying = std::env::args().any(|argument| argument == "--test");
    report(if only_trying { 1 } else { 101 });
}

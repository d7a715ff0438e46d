//! The in-memory handler beside a bare channel, in one run: `cargo bench`.
//!
//! The figures that count are the ratios that it prints last: times differ between machines.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use choreo::prelude::*;
use criterion::Criterion;
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use serde_bytes::ByteArray;
use tokio::runtime::Runtime;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Alice,
    Bob,
}

type Payload = ByteArray<32>;

const PAYLOAD: Payload = ByteArray::new([7; 32]);
/// Steps of the program: half of them sends, half receives.
const PROGRAM_STEPS: usize = 1_000;

/// Two tasks on one thread, so that the channel is measured and not the scheduler's other cores.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Runs both sides as tasks of their own and gives the time until both are done.
fn time(
    runtime: &Runtime,
    alice: impl Future<Output = ()> + Send + 'static,
    bob: impl Future<Output = ()> + Send + 'static,
) -> Duration {
    runtime.block_on(async {
        let start = Instant::now();
        let bob = tokio::spawn(bob);
        tokio::spawn(alice).await.expect("Alice");
        bob.await.expect("Bob");
        start.elapsed()
    })
}

fn bare_ping_pong(runtime: &Runtime, rounds: u64) -> Duration {
    let (mut to_bob, mut from_alice) = mpsc::channel::<Payload>(32);
    let (mut to_alice, mut from_bob) = mpsc::channel::<Payload>(32);
    let alice = async move {
        for _ in 0..rounds {
            to_bob.send(PAYLOAD).await.expect("Bob listens");
            std::hint::black_box(from_bob.next().await);
        }
    };
    let bob = async move {
        for _ in 0..rounds {
            let payload = from_alice.next().await.expect("Alice sends");
            to_alice.send(payload).await.expect("Alice listens");
        }
    };
    time(runtime, alice, bob)
}

/// The same over a pair of handlers that `stack` has wrapped.
fn ping_pong<H>(runtime: &Runtime, rounds: u64, stack: impl Fn(InMemoryHandler<Role>) -> H) -> Duration
where
    H: ChoreoHandler<Role = Role, Endpoint = ()> + 'static,
{
    let network = InMemoryNetwork::new();
    let handler = stack(network.join(Role::Alice).expect("free"));
    let alice = async move {
        for _ in 0..rounds {
            handler.send(&(), Role::Bob, &PAYLOAD).await.expect("Bob listens");
            let payload: Payload = handler.recv(&(), Role::Bob).await.expect("Bob answers");
            std::hint::black_box(payload);
        }
    };
    let handler = stack(network.join(Role::Bob).expect("free"));
    let bob = async move {
        for _ in 0..rounds {
            let payload: Payload = handler.recv(&(), Role::Alice).await.expect("Alice sends");
            handler.send(&(), Role::Alice, &payload).await.expect("Alice listens");
        }
    };
    time(runtime, alice, bob)
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
    time(runtime, run(Role::Alice, alice), run(Role::Bob, bob))
}

fn bench(criterion: &mut Criterion) {
    let runtime = &runtime();
    let mut group = criterion.benchmark_group("ping-pong");
    group.bench_function("bare", |b| b.iter_custom(|n| bare_ping_pong(runtime, n)));
    group.bench_function("handler", |b| b.iter_custom(|n| ping_pong(runtime, n, |h| h)));
    group.bench_function("boxed", |b| {
        b.iter_custom(|n| ping_pong(runtime, n, ChoreoHandlerExt::boxed));
    });
    group.finish();

    let mut group = criterion.benchmark_group("program");
    group.bench_function("bare", |b| {
        b.iter_custom(|n| bare_ping_pong(runtime, n * PROGRAM_STEPS as u64 / 2));
    });
    group.bench_function("interpreted", |b| b.iter_custom(|n| programs(runtime, n)));
    group.finish();
}

/// The median of a benchmark of this run in nanoseconds, from what criterion has written.
fn median(id: &str) -> Option<f64> {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let path = Path::new(&target).join("criterion").join(id).join("new/estimates.json");
    let estimates: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).ok()?).ok()?;
    estimates["median"]["point_estimate"].as_f64()
}

fn report() {
    let ratio = |what: &str, id: &str, bare: &str, most: f64| {
        if let (Some(time), Some(bare)) = (median(id), median(bare)) {
            println!("{what:<44} {:>6.2} times the bare channel (at most {most})", time / bare);
        }
    };
    println!();
    ratio("ping-pong, no layers", "ping-pong/handler", "ping-pong/bare", 2.5);
    ratio("program of 1,000 sends and receives", "program/interpreted", "program/bare", 3.0);
    let added = |what: &str, id: &str, without: &str, layers: f64| {
        if let (Some(with), Some(without)) = (median(id), median(without)) {
            // A round is four operations: each side sends and receives.
            let added = (with - without) / 4.0 / layers;
            println!("{what:<44} {added:>6.1} ns more per operation and layer (at most 25)");
        }
    };
    added("a box", "ping-pong/boxed", "ping-pong/handler", 1.0);
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
    report();
}

//! What each layer adds to an operation: `cargo bench -p choreo-middleware`.
//!
//! Two tasks on one thread send each other a message of 32 bytes, over boxed handlers. The stacks
//! take turns, many times, so that a machine that is now fast, now slow is so to all of them.

#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    native::main();
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::time::{Duration, Instant};

    use choreo_core::{BoxHandler, ChoreoHandlerExt};
    use choreo_handler_inmemory::InMemoryNetwork;
    use choreo_middleware::{
        FaultInjectionLayer, MetricsLayer, RecordLayer, Recording, RetryLayer, TimeoutLayer,
        TraceLayer,
    };
    use tokio::runtime::Runtime;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    enum Role {
        Alice,
        Bob,
    }

    type Message = [u64; 4];
    type Stack = fn(BoxHandler<Role>) -> BoxHandler<Role>;

    const ROUNDS: u32 = 5_000;
    const TURNS: usize = 100;
    /// Each side sends and receives.
    const OPERATIONS: u32 = 4;

    const STACKS: &[(&str, Stack)] = &[
        ("no layer", |handler| handler),
        ("Metrics", |h| h.layer(MetricsLayer::new()).boxed()),
        ("Metrics, every wait timed", |h| {
            h.layer(MetricsLayer::new().time_every(1)).boxed()
        }),
        ("Trace, off", |h| h.layer(TraceLayer::new("Role")).boxed()),
        ("Retry", |h| {
            h.layer(RetryLayer::new(3, Duration::from_millis(1)))
                .boxed()
        }),
        ("Timeout", |h| {
            h.layer(TimeoutLayer::new(Duration::from_secs(60))).boxed()
        }),
        ("FaultInjection, no faults", |h| {
            h.layer(FaultInjectionLayer::new()).boxed()
        }),
        ("Record", |h| {
            let recording = Recording::with_capacity(1 << 20, 1 << 30);
            h.layer(RecordLayer::new("Role", &recording)).boxed()
        }),
        ("Record, full", |h| {
            let recording = Recording::with_capacity(0, 0);
            h.layer(RecordLayer::new("Role", &recording)).boxed()
        }),
    ];

    pub(crate) fn main() {
        // A word after `--` picks the stacks that it is part of; with `--test` they only run.
        let turns = if std::env::args().any(|arg| arg == "--test") {
            1
        } else {
            TURNS
        };
        let picked = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
        let is_picked = |name: &str| picked.as_ref().is_none_or(|part| name.contains(part));
        let stacks: Vec<_> = STACKS
            .iter()
            .enumerate()
            .filter(|(index, (name, _))| *index == 0 || is_picked(name))
            .map(|(_, stack)| stack)
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let mut times = vec![Vec::new(); stacks.len()];
        for _ in 0..turns {
            for ((_, stack), times) in stacks.iter().zip(&mut times) {
                times.push(ping_pong(&runtime, *stack));
            }
        }
        let best: Vec<f64> = times.iter_mut().map(|times| fast(times)).collect();
        println!("{:<28}{:>12}{:>12}", "boxed", "ns each", "added");
        for ((name, _), time) in stacks.iter().zip(&best) {
            println!("{name:<28}{time:>12.1}{:>12.1}", time - best[0]);
        }
    }

    /// The time of an operation.
    fn ping_pong(runtime: &Runtime, stack: Stack) -> Duration {
        let network = InMemoryNetwork::new();
        let alice = stack(network.join(Role::Alice).expect("free").boxed());
        let bob = stack(network.join(Role::Bob).expect("free").boxed());
        runtime.block_on(async {
            let start = Instant::now();
            let bob = tokio::spawn(async move {
                for _ in 0..ROUNDS {
                    let message: Message = bob.recv(&(), Role::Alice).await.expect("sent");
                    bob.send(&(), Role::Alice, &message).await.expect("sent");
                }
            });
            let alice = tokio::spawn(async move {
                for round in 0..ROUNDS {
                    let message = [round.into(), u64::MAX, u64::MAX / 2, 3];
                    alice.send(&(), Role::Bob, &message).await.expect("sent");
                    let back: Message = alice.recv(&(), Role::Bob).await.expect("sent");
                    assert_eq!(back, message);
                }
            });
            alice.await.expect("Alice plays");
            bob.await.expect("Bob plays");
            start.elapsed() / OPERATIONS
        })
    }

    /// What the fastest tenth of the times stays below, in nanoseconds per round.
    fn fast(times: &mut [Duration]) -> f64 {
        times.sort_unstable();
        times[times.len() / 10].as_secs_f64() * 1e9 / f64::from(ROUNDS)
    }
}

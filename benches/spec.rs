//! Stacks from a configuration: what it costs to build one, and messages over it beside the same
//! stack put together in code: `cargo bench --features plugins --bench spec`.
//!
//! The figures that count are those that it prints last.

use std::hint::black_box;
use std::time::{Duration, Instant};

use choreo::middleware::{
    FaultInjectionLayer, MetricsLayer, RecordLayer, Recording, RetryLayer, TimeoutLayer, TraceLayer,
};
use choreo::plugin::{Registry, Site, Stack, StackSpec};
use choreo::plugins;
use choreo::prelude::*;
use criterion::Criterion;
use futures::executor::block_on;
use tokio::runtime::Runtime;

mod common;
use common::{PAYLOAD, Payload, Variant, compare, runtime, time};

/// A stack as they stand in files.
const TEXT: &str = r#"
role = "Alice"

[handler]
use = "inmemory"
capacity = 32

[[layers]] # from the inside out
use = "fault-injection"
seed = 7

[[layers]]
use = "retry"
retries = 5
base_delay = "50ms"
jitter = true

[[layers]]
use = "timeout"
send = "1min"
recv = "1min"

[[layers]]
use = "record"

[[layers]]
use = "metrics"
time_every = 64

[[layers]]
use = "trace"
"#;

/// From the text to the handler.
fn from_text(registry: &Registry, site: &Site, role: &str) -> Stack {
    let spec = StackSpec::from_toml(TEXT).expect("it is TOML");
    let spec = spec.with_overrides([("CHOREO_ROLE", role)]);
    let spec = spec.expect("the role is of another name");
    block_on(spec.build_with(registry, site)).expect("all is well")
}

/// The same in code.
fn in_code(
    network: &InMemoryNetwork<RoleName>,
    recording: &Recording,
    role: &'static str,
) -> DynHandler {
    let role = RoleName::from(role);
    let minute = Duration::from_secs(60);
    let handler = network.join(role.clone()).expect("free").boxed();
    let handler = handler.layer(FaultInjectionLayer::new().with_seed(7));
    let retry = RetryLayer::new(5, Duration::from_millis(50)).jitter(true);
    let handler = handler.boxed().layer(retry).boxed();
    let timeout = TimeoutLayer::default().send(minute).recv(minute);
    let handler = handler.layer(timeout).boxed();
    let record = RecordLayer::new(role.clone(), recording);
    let handler = handler.layer(record).boxed();
    let handler = handler.layer(MetricsLayer::new()).boxed();
    handler.layer(TraceLayer::new(role)).boxed()
}

fn ping_pong<H>(runtime: &Runtime, rounds: u64, alice: H, bob: H) -> Duration
where
    H: ChoreoHandler<Role = RoleName, Endpoint = ()> + 'static,
{
    let asks = async move {
        let to = RoleName::from("Bob");
        for _ in 0..rounds {
            let sent = alice.send(&(), to.clone(), &PAYLOAD).await;
            sent.expect("Bob listens");
            let payload: Payload = alice.recv(&(), to.clone()).await.expect("Bob answers");
            black_box(payload);
        }
    };
    let answers = async move {
        let to = RoleName::from("Alice");
        for _ in 0..rounds {
            let payload: Payload = bob.recv(&(), to.clone()).await.expect("Alice sends");
            let sent = bob.send(&(), to.clone(), &payload).await;
            sent.expect("Alice listens");
        }
    };
    runtime.block_on(time(asks, answers))
}

const FROM_TEXT: Variant = ("from a text", |runtime, rounds| {
    let (registry, site) = (plugins::registry().expect("told apart"), Site::new());
    // A recording that is full, so that runs of any length take the same.
    site.put(Recording::with_capacity(0, 0));
    let stack = |role| from_text(&registry, &site, role);
    ping_pong(runtime, rounds, stack("Alice"), stack("Bob"))
});
const IN_CODE: Variant = ("in code", |runtime, rounds| {
    let (network, recording) = (InMemoryNetwork::new(), Recording::with_capacity(0, 0));
    let stack = |role| in_code(&network, &recording, role);
    ping_pong(runtime, rounds, stack("Alice"), stack("Bob"))
});

fn bench(criterion: &mut Criterion) {
    let registry = plugins::registry().expect("names are told apart");
    let mut group = criterion.benchmark_group("stacks by name");
    group.bench_function("the registry", |b| b.iter(plugins::registry));
    group.bench_function("a lookup", |b| {
        b.iter(|| registry.layer(black_box("retry")).is_ok());
    });
    group.bench_function("6 layers from TOML", |b| {
        b.iter(|| from_text(&registry, &Site::new(), "Alice"));
    });
    group.bench_function("the text alone", |b| {
        b.iter(|| StackSpec::from_toml(black_box(TEXT)));
    });
    group.finish();
    let mut group = criterion.benchmark_group("ping-pong round through 6 layers");
    let runtime = &runtime();
    for (name, time) in [FROM_TEXT, IN_CODE] {
        group.bench_function(name, |b| b.iter_custom(|n| time(runtime, n)));
    }
    group.finish();
}

fn report(samples: usize) {
    let registry = plugins::registry().expect("names are told apart");
    let mut times: Vec<Duration> = (0..samples * 10)
        .map(|_| {
            let start = Instant::now();
            let found = registry.layer(black_box("trace")).is_ok();
            let stack = from_text(&registry, &Site::new(), "Alice");
            black_box((found, stack));
            start.elapsed()
        })
        .collect();
    times.sort();
    let median = times[times.len() / 2].as_secs_f64() * 1e6;
    println!("a lookup, and 6 layers from TOML     {median:>6.1} us (at most 100)");
    let ratio = compare(FROM_TEXT, IN_CODE, 5_000, samples);
    println!("ping-pong, by name beside in code    {ratio:>6.2} times (at most 1.05)");
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
    // `cargo bench -- --test` only tries whether it all runs.
    let only_trying = std::env::args().any(|argument| argument == "--test");
    report(if only_trying { 1 } else { 101 });
}

//! What the benchmarks measure beside, and how.
#![allow(dead_code, reason = "not every benchmark needs all of it")]

use std::time::{Duration, Instant};

use futures::channel::mpsc;
use futures::{SinkExt, StreamExt};
use serde_bytes::ByteArray;
use tokio::runtime::Runtime;

pub(crate) type Payload = ByteArray<32>;

pub(crate) const PAYLOAD: Payload = ByteArray::new([7; 32]);
/// How many messages a channel holds.
pub(crate) const CAPACITY: usize = 32;

/// Two tasks on one thread, so that what is between them is measured and not the scheduler's other
/// cores.
pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Runs both sides as tasks of their own and gives the time until both are done.
pub(crate) async fn time(
    one: impl Future<Output = ()> + Send + 'static,
    other: impl Future<Output = ()> + Send + 'static,
) -> Duration {
    let start = Instant::now();
    let other = tokio::spawn(other);
    tokio::spawn(one).await.expect("one side");
    other.await.expect("the other side");
    start.elapsed()
}

/// So many rounds of 32 bytes over a pair of bare channels.
pub(crate) fn bare_ping_pong(runtime: &Runtime, rounds: u64) -> Duration {
    let (mut to_bob, mut from_alice) = mpsc::channel::<Payload>(CAPACITY);
    let (mut to_alice, mut from_bob) = mpsc::channel::<Payload>(CAPACITY);
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
    runtime.block_on(time(alice, bob))
}

/// What is measured: a name and how to time so many rounds of it.
pub(crate) type Variant = (&'static str, fn(&Runtime, u64) -> Duration);

/// Times two variants in turn, so that what else the machine does hits both, and gives the median
/// of the ratio.
pub(crate) fn compare((_, this): Variant, (_, other): Variant, rounds: u64, samples: usize) -> f64 {
    let runtime = &runtime();
    let mut ratios: Vec<f64> = (0..samples)
        .map(|_| {
            let [this, other] = [this, other].map(|time| time(runtime, rounds).as_nanos() as f64);
            this / other
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[samples / 2]
}

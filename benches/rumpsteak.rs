//! What the ways to a peer cost beside a bare channel: `cargo bench --features rumpsteak --bench rumpsteak`.
//!
//! Two tasks on one thread send each other a message of 32 bytes. Each way takes turns with the bare
//! channel, many times, so that a machine that is now fast, now slow is so to both.

use std::time::Duration;

use choreo::{
    BoxHandler, Bytes, ChoreoHandler, ChoreoHandlerExt, RumpsteakEndpoint, RumpsteakHandler,
    RumpsteakSession, SimpleChannel,
};
use futures::channel::mpsc;
use tokio::runtime::Runtime;

mod common;
use common::{CAPACITY, PAYLOAD, Payload, bare_ping_pong, runtime, time};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Alice,
    Bob,
}

type Sessions = (RumpsteakSession, RumpsteakSession);

const ROUNDS: u64 = 20_000;
const TURNS: usize = 101;

/// A name, and how to time so many rounds.
type Way = (&'static str, fn(&Runtime, u64) -> Duration);

const WAYS: &[Way] = &[
    ("SimpleChannel", |runtime, n| {
        ping_pong(runtime, n, endpoints(channel))
    }),
    ("SimpleChannel, bound and boxed", |runtime, n| {
        ping_pong(runtime, n, boxed(endpoints(channel)))
    }),
    ("a Transport (of the same channel)", |runtime, n| {
        ping_pong(runtime, n, endpoints(transport))
    }),
    ("a sink and a stream (two channels)", |runtime, n| {
        ping_pong(runtime, n, endpoints(sink_stream))
    }),
];

fn main() {
    // `cargo bench -- --test` only tries whether it all runs.
    let only_trying = std::env::args().any(|argument| argument == "--test");
    let (turns, rounds) = if only_trying {
        (1, 10)
    } else {
        (TURNS, ROUNDS)
    };
    let runtime = runtime();
    println!("round of 32 bytes, in times of the bare channel (SimpleChannel: at most 3):");
    for (name, way) in WAYS {
        let mut ratios: Vec<_> = (0..turns)
            .map(|_| {
                let bare = bare_ping_pong(&runtime, rounds).as_nanos() as f64;
                way(&runtime, rounds).as_nanos() as f64 / bare
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        let median = ratios[turns / 2];
        println!("{name:<36}{median:>6.2}");
    }
}

type Ends<H> = [(H, <H as ChoreoHandler>::Endpoint); 2];

/// The same over a handler and an endpoint at each end.
fn ping_pong<H>(runtime: &Runtime, rounds: u64, ends: Ends<H>) -> Duration
where
    H: ChoreoHandler<Role = Role> + 'static,
    H::Endpoint: 'static,
{
    let [(handler, endpoint), at_bob] = ends;
    let alice = async move {
        for _ in 0..rounds {
            let sent = handler.send(&endpoint, Role::Bob, &PAYLOAD).await;
            sent.expect("Bob listens");
            let answer: Payload = handler
                .recv(&endpoint, Role::Bob)
                .await
                .expect("Bob answers");
            std::hint::black_box(answer);
        }
    };
    let (handler, endpoint) = at_bob;
    let bob = async move {
        for _ in 0..rounds {
            let payload = handler.recv::<Payload>(&endpoint, Role::Alice).await;
            let payload = payload.expect("Alice sends");
            let sent = handler.send(&endpoint, Role::Alice, &payload).await;
            sent.expect("Alice listens");
        }
    };
    runtime.block_on(time(alice, bob))
}

fn endpoints(way: fn() -> Sessions) -> Ends<RumpsteakHandler<Role>> {
    let (to_bob, to_alice) = way();
    let ways = [
        (Role::Alice, Role::Bob, to_bob),
        (Role::Bob, Role::Alice, to_alice),
    ];
    ways.map(|(role, peer, session)| {
        let endpoint = RumpsteakEndpoint::new(role);
        endpoint.register_session(peer, session);
        (RumpsteakHandler::new(), endpoint)
    })
}

fn boxed(ends: Ends<RumpsteakHandler<Role>>) -> Ends<BoxHandler<Role>> {
    ends.map(|(handler, endpoint)| (handler.bind(endpoint).boxed(), ()))
}

fn channel() -> Sessions {
    let (left, right) = SimpleChannel::pair_with_capacity(CAPACITY);
    (left.into(), right.into())
}

fn transport() -> Sessions {
    let (left, right) = SimpleChannel::pair_with_capacity(CAPACITY);
    [left, right].map(RumpsteakSession::from_transport).into()
}

fn sink_stream() -> Sessions {
    let (to_right, from_left) = mpsc::channel::<Bytes>(CAPACITY);
    let (to_left, from_right) = mpsc::channel::<Bytes>(CAPACITY);
    (
        RumpsteakSession::from_sink_stream(to_right, from_right),
        RumpsteakSession::from_sink_stream(to_left, from_left),
    )
}

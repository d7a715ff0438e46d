//! Three roles speak through the program while their connections are cut and it is killed.
#![cfg(feature = "cli")]

mod common;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use choreo_chaos::{Counting, Cut, Frames, Proxy};
use choreo_core::{Bytes, Transport};
use choreo_session::{PeerTransport, Session, SessionConfig, Timing};
use choreo_transport_websocket::WebSocketConnector;
use common::program::{Keys, Program};
use futures::future::{join_all, try_join_all};
use tokio::time::{sleep, timeout};

const ROLES: [&str; 3] = ["Alice", "Bob", "Carol"];
/// In all, over the six ways between them.
const MESSAGES: u64 = 10_000;
/// How many messages go each way before their answers are awaited.
const BURST: u64 = 8;
const CUTS: u64 = 100;
const KILLS: u64 = 10;
/// By then all must be over.
const LIMIT: Duration = Duration::from_secs(120);

/// What the roles have received so far, all together.
static RECEIVED: AtomicU64 = AtomicU64::new(0);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_arrive_once_and_in_order() {
    let keys = Keys::make().await;
    let relay = ["--key-file", keys.path(), "--listen", "127.0.0.1:0"];
    let relay = Program::start(&relay).await;
    let frames = Frames::default();
    let (mut proxies, mut sessions) = (Vec::new(), Vec::new());
    for role in ROLES {
        let proxy = Proxy::start(relay.address).await;
        sessions.push(join(&proxy, &keys, role, frames.clone()).await);
        proxies.push(proxy);
    }

    let begun = Instant::now();
    let all = async {
        let roles = join_all(sessions.iter().map(play));
        futures::join!(roles, break_all(relay, &keys, &proxies))
    };
    let (_, relay) = timeout(LIMIT, all).await.unwrap_or_else(|_| {
        let status: Vec<_> = sessions.iter().map(Session::status).collect();
        panic!("{} received; {status:#?}", received());
    });
    let took = begun.elapsed();
    let closing = try_join_all(sessions.into_iter().map(Session::close));
    timeout(LIMIT, closing).await.unwrap().unwrap();

    let cuts: u64 = proxies.iter().map(Proxy::cuts).sum();
    let connections: u64 = proxies.iter().map(Proxy::connections).sum();
    let per_message = frames.data() as f64 / received() as f64;
    println!(
        "{} messages, {cuts} cuts, {KILLS} kills, {connections} connections in {took:?}: \
         {per_message:.3} frames of data a message, {:.3} of all kinds",
        received(),
        frames.all() as f64 / received() as f64,
    );
    assert!(received() >= MESSAGES && cuts >= CUTS);
    assert!(per_message <= 1.5, "{per_message} frames a message");
    drop(relay);
}

async fn join(proxy: &Proxy, keys: &Keys, role: &'static str, frames: Frames) -> Session {
    let connector = WebSocketConnector::new(proxy.url()).unwrap();
    let timing = Timing {
        backoff: Duration::from_millis(20),
        backoff_max: Duration::from_millis(200),
        ..Timing::default()
    };
    let peers = ROLES.into_iter().filter(|peer| *peer != role);
    let config = SessionConfig::new("chaos", role, peers)
        .with_token(keys.token("chaos", role).await)
        .with_timing(timing);
    Session::join(Counting::new(connector, frames), config)
        .await
        .unwrap()
}

fn received() -> u64 {
    RECEIVED.load(Ordering::SeqCst)
}

/// One role: a burst to each peer, and as much from each, again and again.
async fn play(session: &Session) {
    let peers: Vec<PeerTransport> = session
        .peers()
        .iter()
        .map(|peer| session.peer(peer).unwrap())
        .collect();
    let rounds = MESSAGES.div_ceil(6 * BURST);
    for round in 0..rounds {
        let numbers = || round * BURST..(round + 1) * BURST;
        for (number, peer) in numbers().flat_map(|number| peers.iter().map(move |p| (number, p))) {
            let message = Bytes::copy_from_slice(&number.to_le_bytes());
            peer.send(message).await.unwrap();
        }
        let receive = async |peer: &PeerTransport| {
            for due in numbers() {
                let message = peer.recv().await.unwrap().expect("nobody leaves");
                let number = u64::from_le_bytes(message[..].try_into().unwrap());
                assert_eq!(number, due, "lost, repeated or out of order");
                RECEIVED.fetch_add(1, Ordering::SeqCst);
            }
        };
        join_all(peers.iter().map(receive)).await;
    }
}

/// Cuts and kills, evenly over the messages; gives the last relay.
async fn break_all(mut relay: Program, keys: &Keys, proxies: &[Proxy]) -> Program {
    let address = relay.address.to_string();
    for number in 0..CUTS {
        while received() < number * MESSAGES / CUTS {
            sleep(Duration::from_millis(1)).await;
        }
        let proxy = &proxies[number as usize % proxies.len()];
        let cut = if number % 2 == 0 {
            Cut::Reset
        } else {
            Cut::Finish
        };
        let before = proxy.cuts();
        // It may be between two connections just now.
        while proxy.cuts() == before {
            proxy.cut(cut);
            sleep(Duration::from_millis(1)).await;
        }
        if number % (CUTS / KILLS) == 5 {
            relay.kill().await;
            relay = Program::start(&["--key-file", keys.path(), "--listen", &address]).await;
        }
    }
    relay
}

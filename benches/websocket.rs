//! The transport beside bare tokio-tungstenite, in one run over loopback: `cargo bench`.
//!
//! The figures that count are the ratios that it prints last: times differ between machines. The
//! bare one is tuned as the transport is; with tungstenite's default buffers a round trip takes
//! twice as long.

use std::sync::Arc;
use std::time::Duration;

use choreo::session::{Accepted, Acceptor, Anyone, Session, SessionConfig, Terms};
use choreo::websocket::{WebSocketAcceptor, WebSocketConnector, WebSocketTransport};
use choreo::{Bytes, ChoreoHandlerExt, RumpsteakEndpoint, RumpsteakHandler, Transport};
use criterion::Criterion;
use futures::future::join_all;
use futures::{SinkExt, StreamExt};
use serde_bytes::ByteArray;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, accept_async_with_config, client_async_with_config};

mod common;
use common::{Variant, compare, runtime, time};

const PAYLOAD: Bytes = Bytes::from_static(&[7; 64]);
const MESSAGE: ByteArray<64> = ByteArray::new([7; 64]);
/// How many frames of a stream are sent at once.
const BATCH: u64 = 64;

/// Two ends of a TCP connection.
async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let client = TcpStream::connect(address).await.expect("it listens");
    let (server, _) = listener.accept().await.expect("a client");
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("a TCP stream");
    }
    (client, server)
}

type Bare = WebSocketStream<TcpStream>;

async fn bare() -> (Bare, Bare) {
    let (client, server) = tcp().await;
    let config = Some(WebSocketConfig::default().read_buffer_size(4096));
    let client = client_async_with_config("ws://localhost/", client, config);
    let (client, server) = futures::join!(client, accept_async_with_config(server, config));
    (client.expect("a WebSocket").0, server.expect("a WebSocket"))
}

async fn ours() -> (WebSocketTransport, WebSocketTransport) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/", listener.local_addr().expect("it is bound"));
    let accept = async {
        let (stream, _) = listener.accept().await.expect("a client");
        stream.set_nodelay(true).expect("a TCP stream");
        WebSocketAcceptor::new().accept(stream).await
    };
    let connector = WebSocketConnector::new(url).expect("an address");
    let (client, server) = futures::join!(connector.open(), accept);
    (client.expect("a WebSocket"), server.expect("a WebSocket"))
}

fn bare_round_trips(runtime: &Runtime, rounds: u64) -> Duration {
    runtime.block_on(async {
        let (mut client, mut server) = bare().await;
        let asks = async move {
            for _ in 0..rounds {
                client
                    .send(Message::Binary(PAYLOAD))
                    .await
                    .expect("it is open");
                std::hint::black_box(client.next().await);
            }
        };
        let answers = async move {
            for _ in 0..rounds {
                let message = server.next().await.expect("it is open").expect("a frame");
                server.send(message).await.expect("it is open");
            }
        };
        time(asks, answers).await
    })
}

fn round_trips(runtime: &Runtime, rounds: u64) -> Duration {
    runtime.block_on(async {
        // As a session has them.
        let (client, server) = ours().await;
        let (client, server): (Box<dyn Transport>, Box<dyn Transport>) =
            (Box::new(client), Box::new(server));
        let asks = async move {
            for _ in 0..rounds {
                client.send(PAYLOAD).await.expect("it is open");
                std::hint::black_box(client.recv().await.expect("it is open"));
            }
        };
        let answers = async move {
            for _ in 0..rounds {
                let frame = server.recv().await.expect("it is open").expect("a frame");
                server.send(frame).await.expect("it is open");
            }
        };
        time(asks, answers).await
    })
}

fn bare_stream(runtime: &Runtime, frames: u64) -> Duration {
    runtime.block_on(async {
        let (mut client, mut server) = bare().await;
        let sends = async move {
            for i in 1..=frames {
                client
                    .feed(Message::Binary(PAYLOAD))
                    .await
                    .expect("it is open");
                if i % BATCH == 0 || i == frames {
                    client.flush().await.expect("it is open");
                }
            }
        };
        let receives = async move {
            for _ in 0..frames {
                std::hint::black_box(server.next().await);
            }
        };
        time(sends, receives).await
    })
}

/// So many sends at once.
fn stream(runtime: &Runtime, frames: u64, at_once: u64) -> Duration {
    runtime.block_on(async {
        let (client, server) = ours().await;
        let sends = async move {
            let mut left = frames;
            while left > 0 {
                let now = left.min(at_once);
                left -= now;
                for sent in join_all((0..now).map(|_| client.send(PAYLOAD))).await {
                    sent.expect("it is open");
                }
            }
        };
        let receives = async move {
            for _ in 0..frames {
                std::hint::black_box(server.recv().await.expect("it is open"));
            }
        };
        time(sends, receives).await
    })
}

/// A role of the whole way: handler, endpoint, session.
struct Role {
    handler: RumpsteakHandler<&'static str>,
    endpoint: RumpsteakEndpoint<&'static str>,
    session: Session,
}

impl Role {
    fn new(session: Session, me: &'static str, peer: &'static str) -> Self {
        let endpoint = RumpsteakEndpoint::new(me);
        endpoint.register_transports(session.transports([peer]).expect("it is a peer"));
        Self {
            handler: RumpsteakHandler::new(),
            endpoint,
            session,
        }
    }
}

/// Alice calls Bob.
async fn roles() -> (Role, Role) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}/", listener.local_addr().expect("it is bound"));
    let accept = async {
        let (stream, _) = listener.accept().await.expect("a client");
        stream.set_nodelay(true).expect("a TCP stream");
        let transport = WebSocketAcceptor::new()
            .accept(stream)
            .await
            .expect("a WebSocket");
        let acceptor = Acceptor::new(&"Bob", Anyone, Terms::default()).expect("random numbers");
        match acceptor.accept(transport).await.expect("it is let in") {
            Accepted::Joined(session) => session,
            Accepted::Resumed { .. } => unreachable!("it is the first"),
        }
    };
    let connector = WebSocketConnector::new(url).expect("an address");
    let join = Session::join(connector, SessionConfig::new("bench", "Alice", ["Bob"]));
    let (client, server) = futures::join!(join, accept);
    let alice = Role::new(client.expect("it is let in"), "Alice", "Bob");
    (alice, Role::new(server, "Bob", "Alice"))
}

fn session_round_trips(runtime: &Runtime, rounds: u64) -> Duration {
    runtime.block_on(async {
        let (alice, bob) = roles().await;
        let asks = async move {
            for _ in 0..rounds {
                let Role {
                    handler, endpoint, ..
                } = &alice;
                handler
                    .send(endpoint, "Bob", &MESSAGE)
                    .await
                    .expect("it is open");
                let answer: ByteArray<64> =
                    handler.recv(endpoint, "Bob").await.expect("it is open");
                std::hint::black_box(answer);
            }
            alice.session.abort("done");
        };
        let answers = async move {
            for _ in 0..rounds {
                let Role {
                    handler, endpoint, ..
                } = &bob;
                let message: ByteArray<64> =
                    handler.recv(endpoint, "Alice").await.expect("it is open");
                handler
                    .send(endpoint, "Alice", &message)
                    .await
                    .expect("it is open");
            }
        };
        time(asks, answers).await
    })
}

fn session_stream(runtime: &Runtime, frames: u64) -> Duration {
    runtime.block_on(async {
        let (alice, bob) = roles().await;
        // It lives until all has arrived.
        let alice = Arc::new(alice);
        let sender = Arc::clone(&alice);
        let sends = async move {
            let Role {
                handler, endpoint, ..
            } = &*sender;
            for _ in 0..frames {
                handler
                    .send(endpoint, "Bob", &MESSAGE)
                    .await
                    .expect("it is open");
            }
        };
        let receives = async move {
            let Role {
                handler, endpoint, ..
            } = &bob;
            for _ in 0..frames {
                let message: ByteArray<64> =
                    handler.recv(endpoint, "Alice").await.expect("it is open");
                std::hint::black_box(message);
            }
        };
        let elapsed = time(sends, receives).await;
        alice.session.abort("done");
        elapsed
    })
}

const BARE_ROUND_TRIP: Variant = ("bare tokio-tungstenite", bare_round_trips);
const ROUND_TRIP: Variant = ("transport", round_trips);
const SESSION_ROUND_TRIP: Variant = ("handler and session", session_round_trips);
const SESSION_STREAM: Variant = ("handler and session", session_stream);
const BARE_STREAM: Variant = ("bare, 64 fed and flushed", bare_stream);
const STREAM: Variant = ("transport, 64 sends at once", |runtime, n| {
    stream(runtime, n, BATCH)
});
const ONE_BY_ONE: Variant = ("transport, one send after the other", |runtime, n| {
    stream(runtime, n, 1)
});

fn bench(criterion: &mut Criterion) {
    let runtime = &runtime();
    for (group, variants) in [
        (
            "round trip of 64 bytes",
            &[BARE_ROUND_TRIP, ROUND_TRIP, SESSION_ROUND_TRIP][..],
        ),
        (
            "stream of 64 bytes",
            &[BARE_STREAM, STREAM, ONE_BY_ONE, SESSION_STREAM][..],
        ),
    ] {
        let mut group = criterion.benchmark_group(group);
        for (name, time) in variants {
            group.bench_function(*name, |b| b.iter_custom(|n| time(runtime, n)));
        }
        group.finish();
    }
}

/// In each sample of a comparison.
const ROUNDS: u64 = 4_000;

fn report(samples: usize) {
    for (what, variant, bare, most) in [
        (
            "round trip, handler and session",
            SESSION_ROUND_TRIP,
            BARE_ROUND_TRIP,
            "at most 1.3",
        ),
        (
            "stream, handler and session",
            SESSION_STREAM,
            BARE_STREAM,
            "at most 2.0",
        ),
        ("round trip", ROUND_TRIP, BARE_ROUND_TRIP, "at most 1.3"),
        (
            "stream, 64 sends at once",
            STREAM,
            BARE_STREAM,
            "at most 2.0",
        ),
        ("stream, one by one", ONE_BY_ONE, BARE_STREAM, "at most 2.0"),
    ] {
        let ratio = compare(variant, bare, ROUNDS, samples);
        println!("{what:<32}{ratio:>6.2} times bare tokio-tungstenite ({most})");
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
    // `cargo bench -- --test` only tries whether it all runs.
    let only_trying = std::env::args().any(|argument| argument == "--test");
    report(if only_trying { 1 } else { 51 });
}

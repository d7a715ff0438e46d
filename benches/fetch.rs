//! The transport beside a bare `POST` that is echoed, by the same server and the same client, in one
//! run over loopback: `cargo bench`.
//!
//! The figure that counts is the ratio that it prints last: times differ between machines.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use choreo::fetch::{FetchAcceptor, FetchConnector, FetchTransport};
use choreo::{Bytes, Transport};
use criterion::Criterion;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

mod common;
use common::{Variant, compare, runtime, time};

const PAYLOAD: Bytes = Bytes::from_static(&[7; 64]);

/// Serves an app, and gives its address.
async fn serve(app: Router) -> String {
    use axum::serve::ListenerExt;

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a TCP stream"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// Sends back what it gets.
async fn echo(transport: FetchTransport) {
    while let Ok(Some(frame)) = transport.recv().await {
        if transport.send(frame).await.is_err() {
            break;
        }
    }
}

fn bare_round_trips(runtime: &Runtime, rounds: u64) -> Duration {
    runtime.block_on(async {
        let url = serve(Router::new().route("/", any(async |body: Bytes| body))).await;
        let client = reqwest::Client::builder().tcp_nodelay(true).build();
        let client = client.expect("a client");
        let ask = async move || {
            let answer = client.post(&url).body(PAYLOAD).send().await;
            answer.expect("an answer").bytes().await.expect("a body")
        };
        ask().await;
        let asks = async move {
            for _ in 0..rounds {
                std::hint::black_box(ask().await);
            }
        };
        time(asks, async {}).await
    })
}

/// A connection to an echo.
async fn ours(long_polls: bool) -> FetchTransport {
    let acceptor = FetchAcceptor::new();
    let answer = async move |request: Request| acceptor.answer(request, echo).await;
    let url = serve(Router::new().route("/", any(answer))).await;
    let mut connector = FetchConnector::new(url).expect("an address");
    if long_polls {
        connector = connector.long_polls();
    }
    connector.open().await.expect("a connection")
}

fn round_trips(runtime: &Runtime, rounds: u64, long_polls: bool) -> Duration {
    runtime.block_on(async {
        let client = Arc::new(ours(long_polls).await);
        let ask = async move || {
            client.send(PAYLOAD).await.expect("it is open");
            client.recv().await.expect("it is open")
        };
        ask().await;
        let asks = async move {
            for _ in 0..rounds {
                std::hint::black_box(ask().await);
            }
        };
        time(asks, async {}).await
    })
}

const BARE: Variant = ("bare axum and reqwest", bare_round_trips);
const STREAMED: Variant = ("transport", |runtime, n| round_trips(runtime, n, false));
const POLLED: Variant = ("transport, long polls", |runtime, n| {
    round_trips(runtime, n, true)
});

fn bench(criterion: &mut Criterion) {
    let runtime = &runtime();
    let mut group = criterion.benchmark_group("round trip of 64 bytes over HTTP");
    for (name, time) in [BARE, STREAMED, POLLED] {
        group.bench_function(name, |b| b.iter_custom(|n| time(runtime, n)));
    }
    group.finish();
}

fn main() {
    // A bare client asks for one where TLS is compiled in, though it is not used here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
    // `cargo bench -- --test` only tries whether it all runs.
    let only_trying = std::env::args().any(|argument| argument == "--test");
    let samples = if only_trying { 1 } else { 51 };
    for (what, variant, most) in [
        ("round trip", STREAMED, "at most 1.4"),
        ("round trip, long polls", POLLED, "no bound"),
    ] {
        let ratio = compare(variant, BARE, 500, samples);
        println!("{what:<32}{ratio:>6.2} times bare axum and reqwest ({most})");
    }
}

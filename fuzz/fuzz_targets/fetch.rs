//! Requests from anyone are answered, whatever their heads and bodies: the data is a number of them, each a
//! line and a body with its length before it.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use choreo_transport_fetch::{FetchAcceptor, FetchTransport, Limits};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

const ID: &str = "0123456789abcdef0123456789abcdef";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = Builder::new_current_thread();
    builder
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime")
});

fuzz_target!(|data: &[u8]| {
    RUNTIME.block_on(async {
        let limits = Limits::default().max_frame(4096).receive_queue(4096);
        let acceptor = FetchAcceptor::new().limits(limits).connections(4);
        answer(&acceptor, "POST", &format!("open {ID}"), &[]).await;
        let mut rest = data;
        while let Some((head, body, after)) = request(rest) {
            rest = after;
            // The name is hard to guess: `@` stands for it.
            let head = head.replace('@', ID);
            for method in ["POST", "GET"] {
                answer(&acceptor, method, &head, body).await;
            }
        }
    });
});

/// The first request of the data, and what follows it.
fn request(data: &[u8]) -> Option<(&str, &[u8], &[u8])> {
    let line = data.iter().position(|byte| *byte == b'\n')?;
    let (&length, rest) = data[line + 1..].split_first()?;
    let (body, rest) = rest.split_at(rest.len().min(length.into()));
    let head = std::str::from_utf8(&data[..line]).ok()?;
    Some((head, body, rest))
}

async fn answer(acceptor: &FetchAcceptor, method: &str, head: &str, body: &[u8]) {
    let request = Request::builder()
        .method(method)
        .header("content-type", "application/octet-stream")
        .header("choreo-v1", head)
        .body(Body::from(body.to_vec()));
    let Ok(request) = request else { return };
    let receive = async |transport: FetchTransport| {
        while let Ok(Some(frame)) = choreo_core::Transport::recv(&transport).await {
            assert!(frame.len() <= 4096);
        }
    };
    // One that waits for what does not come is left.
    let answered = timeout(Duration::from_millis(1), acceptor.answer(request, receive)).await;
    if let Ok(answer) = answered {
        assert!(answer.status().as_u16() != 500);
    }
}

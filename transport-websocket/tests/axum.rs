//! Connections that an axum server has upgraded keep the same promises.
#![cfg(not(target_arch = "wasm32"))]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::routing::any;
use choreo_core::{Bytes, ErrorKind, Result, Transport};
use choreo_transport_websocket::{
    Closed, Limits, WebSocketAcceptor, WebSocketConnector, WebSocketTransport,
};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A connection to an axum server whose side `serve` plays, and what that gave.
async fn pair<F, T>(limits: Limits, serve: F) -> (WebSocketTransport, oneshot::Receiver<T::Output>)
where
    F: FnOnce(WebSocketTransport) -> T + Send + 'static,
    T: Future<Output: Send> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/choreo", listener.local_addr().unwrap());
    let acceptor = WebSocketAcceptor::new()
        .limits(limits)
        .protocols(["v1"])
        .unwrap();
    let (done, outcome) = oneshot::channel();
    let once = Arc::new(Mutex::new(Some((serve, done))));
    let upgrade = async move |upgrade: WebSocketUpgrade| {
        let (serve, done) = once.lock().unwrap().take().expect("one connection");
        acceptor.upgrade(upgrade, async move |transport| {
            // The test may have seen enough.
            let _ = done.send(serve(transport).await);
        })
    };
    let app = Router::new().route("/choreo", any(upgrade));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let connector = WebSocketConnector::new(url)
        .unwrap()
        .protocols(["v0", "v1"])
        .unwrap();
    (connector.open().await.unwrap(), outcome)
}

async fn echo(transport: WebSocketTransport) -> Result<()> {
    assert_eq!(transport.protocol(), "v1");
    while let Some(frame) = transport.recv().await? {
        transport.send(frame).await?;
    }
    Ok(())
}

#[tokio::test]
async fn frames_come_back_and_the_end_is_in_order() {
    let (transport, outcome) = pair(Limits::default(), echo).await;
    assert_eq!(transport.protocol(), "v1");
    for size in [0, 1, 125, 126, 65_536, Limits::DEFAULT_MAX_FRAME] {
        let sent = Bytes::from(vec![3; size]);
        transport.send(sent.clone()).await.unwrap();
        assert_eq!(transport.recv().await.unwrap(), Some(sent), "{size}");
    }
    transport.close().await.unwrap();
    assert_eq!(transport.recv().await.unwrap(), None);
    outcome.await.unwrap().unwrap();
}

#[tokio::test]
async fn codes_and_reasons_come_through_both_ways() {
    let (transport, outcome) = pair(Limits::default(), async |transport: WebSocketTransport| {
        let error = transport.recv().await.unwrap_err();
        Closed::of(&error).cloned()
    })
    .await;
    transport.close_with(4408, "too slow").await.unwrap();
    let closed = outcome.await.unwrap().unwrap();
    assert_eq!((closed.code, closed.reason.as_str()), (4408, "too slow"));

    let (transport, outcome) = pair(Limits::default(), async |transport: WebSocketTransport| {
        transport.close_with(4409, "superseded").await
    })
    .await;
    outcome.await.unwrap().unwrap();
    let error = transport.recv().await.unwrap_err();
    let closed = Closed::of(&error).unwrap();
    assert_eq!((closed.code, closed.reason.as_str()), (4409, "superseded"));
}

#[tokio::test]
async fn a_large_frame_is_refused_with_its_size() {
    let limits = Limits::default().max_frame(1000);
    let (transport, outcome) = pair(limits, async |transport: WebSocketTransport| {
        let received = transport.recv().await;
        (received, transport)
    })
    .await;
    transport.send(Bytes::from(vec![0; 1001])).await.unwrap();
    let (received, _server) = outcome.await.unwrap();
    let error = received.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("1001"), "{error}");
    let error = transport.recv().await.unwrap_err();
    assert_eq!(Closed::of(&error).unwrap().code, 4413);
}

#[tokio::test]
async fn a_flood_that_nobody_receives_is_held_back() {
    let (transport, _outcome) = pair(Limits::default(), async |transport: WebSocketTransport| {
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(transport);
    })
    .await;
    let mut sent = 0_u64;
    let flood = async {
        loop {
            transport.send(Bytes::from(vec![0; 50_000])).await.unwrap();
            sent += 50_000;
        }
    };
    assert!(timeout(Duration::from_millis(500), flood).await.is_err());
    assert!(sent < 32 << 20, "{sent} bytes were taken");
}

//! The client against a server that misbehaves, over real sockets.
#![cfg(not(target_arch = "wasm32"))]

mod peer;

use std::time::{Duration, Instant};

use choreo_core::{Bytes, Connect, Error, ErrorKind, Transport};
use choreo_transport_websocket::{Closed, Limits, WebSocketConnector, WebSocketTransport};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// The address of a server of this test's own.
async fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(peer::serve(listener));
    format!("ws://{address}")
}

async fn open(path: &str) -> WebSocketTransport {
    open_with(path, Limits::default()).await
}

async fn open_with(path: &str, limits: Limits) -> WebSocketTransport {
    let connector = WebSocketConnector::new(format!("{}{path}", server().await)).unwrap();
    connector.limits(limits).open().await.unwrap()
}

fn frame(bytes: &'static [u8]) -> Bytes {
    Bytes::from_static(bytes)
}

/// What a receive ends with, and again.
async fn recv_error(transport: &WebSocketTransport) -> Error {
    let error = loop {
        match transport.recv().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the connection ended in order"),
            Err(error) => break error,
        }
    };
    let again = transport.recv().await.unwrap_err();
    assert_eq!(again.report(), error.report(), "it is told each time");
    error
}

/// What the server tells about the end of another connection to it.
async fn end(server: &str, id: &str) -> String {
    let connector = WebSocketConnector::new(format!("{server}/end/{id}")).unwrap();
    let transport = connector.open().await.unwrap();
    let end = transport.recv().await.unwrap().unwrap();
    String::from_utf8(end.to_vec()).unwrap()
}

#[tokio::test]
async fn frames_come_back_through_connect() {
    let connector = WebSocketConnector::new(format!("{}/echo", server().await)).unwrap();
    let transport = connector.connect().await.unwrap();
    for size in [0, 1, 125, 126, 65_535, 65_536, Limits::DEFAULT_MAX_FRAME] {
        let sent = Bytes::from(vec![3; size]);
        transport.send(sent.clone()).await.unwrap();
        assert_eq!(transport.recv().await.unwrap(), Some(sent), "{size}");
    }
    transport.close().await.unwrap();
    assert_eq!(transport.recv().await.unwrap(), None);
    transport.close().await.unwrap();
    let error = transport.send(frame(b"late")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
}

#[tokio::test]
async fn the_subprotocol_is_agreed_upon() {
    let server = server().await;
    let connector = WebSocketConnector::new(format!("{server}/protocol")).unwrap();
    let transport = connector.clone().protocols(["a", "b"]).unwrap();
    assert_eq!(transport.open().await.unwrap().protocol(), "b");
    assert_eq!(connector.open().await.unwrap().protocol(), "");
}

#[tokio::test]
async fn pings_are_answered_while_receiving() {
    let transport = open("/ping").await;
    assert_eq!(transport.recv().await.unwrap(), Some(frame(b"pong")));
}

#[tokio::test]
async fn pings_are_answered_by_one_who_only_sends() {
    let transport = open("/ping").await;
    let sending = async {
        loop {
            transport.send(frame(b"x")).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    // Three pings and their answers happen meanwhile, and the frame after them waits for us.
    assert!(timeout(Duration::from_millis(300), sending).await.is_err());
    let received = timeout(Duration::ZERO, transport.recv()).await;
    assert_eq!(
        received.expect("it is here already").unwrap(),
        Some(frame(b"pong"))
    );
}

#[tokio::test]
async fn text_is_refused() {
    let server = server().await;
    let connector = WebSocketConnector::new(format!("{server}/text?id=1")).unwrap();
    let transport = connector.open().await.unwrap();
    let error = recv_error(&transport).await;
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("text"), "{error}");
    let error = transport.send(frame(b"more")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert!(end(&server, "1").await.starts_with("4400 "));
}

#[tokio::test]
async fn a_large_frame_is_refused() {
    let server = server().await;
    let connector = WebSocketConnector::new(format!("{server}/large/1001?id=1")).unwrap();
    let limits = Limits::default().max_frame(1000);
    let transport = connector.limits(limits).open().await.unwrap();
    let error = recv_error(&transport).await;
    assert_eq!(error.kind(), ErrorKind::Protocol);
    let text = error.to_string();
    assert!(text.contains("1001") && text.contains("1000"), "{text}");
    drop(transport);
    assert!(end(&server, "1").await.starts_with("4413 "));
}

#[tokio::test]
async fn the_peer_learns_why_even_if_most_of_its_frame_was_not_read() {
    let server = server().await;
    let connector = WebSocketConnector::new(format!("{server}/large/8000000?id=1")).unwrap();
    let transport = connector.open().await.unwrap();
    let error = recv_error(&transport).await;
    assert!(error.to_string().contains("8000000"), "{error}");
    drop(transport);
    assert!(end(&server, "1").await.starts_with("4413 "));
}

#[tokio::test]
async fn a_large_frame_is_not_sent() {
    let transport = open_with("/echo", Limits::default().max_frame(1000)).await;
    let error = transport
        .send(Bytes::from(vec![0; 1001]))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("1001"), "{error}");
    transport.send(Bytes::from(vec![0; 1000])).await.unwrap();
    assert_eq!(transport.recv().await.unwrap().unwrap().len(), 1000);
}

#[tokio::test]
async fn codes_and_reasons_come_through() {
    let transport = open("/close/4409/superseded").await;
    transport.send(frame(b"now")).await.unwrap();
    let error = recv_error(&transport).await;
    assert_eq!(error.kind(), ErrorKind::Closed);
    let closed = Closed {
        code: 4409,
        reason: "superseded".to_owned(),
        clean: true,
    };
    assert_eq!(Closed::of(&error), Some(&closed));
    assert!(
        error.report().ends_with("close code 4409: superseded"),
        "{}",
        error.report()
    );
    let error = transport.send(frame(b"more")).await.unwrap_err();
    assert_eq!(Closed::of(&error), Some(&closed), "a send tells it, too");
    transport.close().await.unwrap();
}

#[tokio::test]
async fn an_orderly_end_is_no_error() {
    for path in ["/close/1000/bye", "/close/1001/going", "/bare-close"] {
        let transport = open(path).await;
        transport.send(frame(b"now")).await.unwrap();
        assert_eq!(transport.recv().await.unwrap(), None, "{path}");
        assert_eq!(transport.recv().await.unwrap(), None, "{path}");
        let error = transport.send(frame(b"more")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
    }
}

#[tokio::test]
async fn a_server_in_trouble_is_a_broken_connection() {
    let transport = open("/close/1011/oops").await;
    transport.send(frame(b"now")).await.unwrap();
    let error = recv_error(&transport).await;
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert_eq!(Closed::of(&error).unwrap().code, 1011);
}

#[tokio::test]
async fn a_server_that_vanishes_is_a_broken_connection() {
    for path in ["/vanish", "/reset"] {
        let transport = open(path).await;
        transport.send(frame(b"now")).await.unwrap();
        let error = recv_error(&transport).await;
        assert_eq!(error.kind(), ErrorKind::Transport, "{path}");
        assert_eq!(Closed::of(&error).unwrap().code, 1006, "{path}");
        let error = transport.send(frame(b"more")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport, "{path}");
        assert!(!error.is_transient());
        assert_eq!(
            transport.close().await.unwrap_err().kind(),
            ErrorKind::Transport,
            "{path}"
        );
    }
}

#[tokio::test]
async fn one_who_only_sends_learns_that_the_peer_has_left() {
    let transport = open("/close/4410/expired").await;
    let error = loop {
        if let Err(error) = transport.send(Bytes::from(vec![0; 1000])).await {
            break error;
        }
    };
    assert_eq!(Closed::of(&error).unwrap().code, 4410, "{error:?}");
}

#[tokio::test]
async fn nobody_at_the_address_is_told_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let connector = WebSocketConnector::new(format!("ws://{address}/a?secret")).unwrap();
    let error = connector.open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    let text = error.to_string();
    assert!(
        text.contains("refused") && text.contains(&address.to_string()),
        "{text}"
    );
    assert!(!error.report().contains("secret"), "{}", error.report());
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let connector = WebSocketConnector::new(format!("{}/silent", server().await)).unwrap();
    let limits = Limits::default().open_timeout(Duration::from_millis(50));
    let error = connector.limits(limits).open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.to_string().contains("50 ms"), "{error}");
}

#[tokio::test]
async fn a_refusal_says_which_and_whether_to_try_again() {
    let server = server().await;
    for (status, kind) in [
        (401, ErrorKind::Config),
        (404, ErrorKind::Config),
        (429, ErrorKind::Transport),
        (503, ErrorKind::Transport),
        (200, ErrorKind::Transport),
    ] {
        let connector = WebSocketConnector::new(format!("{server}/refuse/{status}")).unwrap();
        let error = connector.open().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(&status.to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_peer_that_never_closes_is_given_up() {
    let limits = Limits::default().close_timeout(Duration::from_millis(100));
    let transport = open_with("/deaf", limits).await;
    // A receive that waits already is told, too.
    let (received, closed) = futures::join!(transport.recv(), async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let closing = Instant::now();
        transport.close().await.unwrap();
        closing.elapsed()
    });
    assert!(closed < Duration::from_millis(100), "it waits for nobody");
    assert_eq!(received.unwrap_err().kind(), ErrorKind::Transport);
    assert_eq!(
        transport.recv().await.unwrap_err().kind(),
        ErrorKind::Transport
    );
}

#[tokio::test]
async fn closing_does_not_wait_for_a_peer_that_reads_nothing() {
    let transport = open("/stall/30000").await;
    let filling = async {
        loop {
            if let Err(error) = transport.send(Bytes::from(vec![0; 60_000])).await {
                break error;
            }
        }
    };
    let closing = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        transport.close().await.unwrap();
    };
    let (error, ()) = timeout(Duration::from_secs(5), async {
        futures::join!(filling, closing)
    })
    .await
    .expect("both are told at once");
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_send_waits_while_the_peer_reads_nothing_and_loses_nothing() {
    const FRAMES: usize = 400;
    const SIZE: usize = 60_000;
    let transport = open("/stall/300").await;
    let sends = (0..FRAMES).map(|_| transport.send(Bytes::from(vec![1; SIZE])));
    let mut sends = Box::pin(futures::future::join_all(sends));
    let early = timeout(Duration::from_millis(100), &mut sends).await;
    assert!(
        early.is_err(),
        "24 MB were taken by a peer that reads nothing"
    );
    for sent in sends.await {
        sent.unwrap();
    }
    transport.send(Bytes::new()).await.unwrap();
    let total = transport.recv().await.unwrap().unwrap();
    assert_eq!(total, (FRAMES * SIZE).to_string().into_bytes());
}

#[tokio::test]
async fn dropping_closes_in_order_and_loses_nothing() {
    let server = server().await;
    let connector = WebSocketConnector::new(format!("{server}/echo?id=1")).unwrap();
    let transport = connector.open().await.unwrap();
    // Echoes that nobody receives must not make the system reset the connection.
    for _ in 0..1_000 {
        transport.send(Bytes::from(vec![0; 1000])).await.unwrap();
    }
    drop(transport);
    assert_eq!(end(&server, "1").await, "1000 ");
}

#[tokio::test]
async fn closing_with_a_code_tells_the_peer() {
    let server = server().await;
    let connector = WebSocketConnector::new(format!("{server}/echo?id=1")).unwrap();
    let transport = connector.open().await.unwrap();
    let error = transport.close_with(1006, "").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let reason = "é".repeat(100);
    transport.close_with(4408, &reason).await.unwrap();
    drop(transport);
    let told = end(&server, "1").await;
    assert_eq!(told, format!("4408 {}", "é".repeat(61)));
}

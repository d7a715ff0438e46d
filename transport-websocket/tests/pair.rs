//! Both sides of this crate, over loopback.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use choreo_core::{Bytes, ErrorKind, Transport};
use choreo_transport_websocket::{
    Limits, WebSocketAcceptor, WebSocketConnector, WebSocketTransport,
};
use futures::FutureExt;
use futures::future::join_all;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// A client and a server.
async fn pair(limits: Limits) -> (WebSocketTransport, WebSocketTransport) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let connector = WebSocketConnector::new(url).unwrap().limits(limits);
    let accept = async {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        WebSocketAcceptor::new().limits(limits).accept(stream).await
    };
    let (client, server) = futures::join!(connector.open(), accept);
    (client.unwrap(), server.unwrap())
}

fn numbered(number: u32) -> Bytes {
    Bytes::copy_from_slice(&number.to_le_bytes())
}

fn number(frame: &Bytes) -> u32 {
    u32::from_le_bytes(frame[..].try_into().expect("four bytes"))
}

#[tokio::test]
async fn both_ways_at_once_in_order() {
    const FRAMES: u32 = 5_000;
    let (client, server) = pair(Limits::default()).await;
    let send = async |transport: &WebSocketTransport| {
        for i in 0..FRAMES {
            transport.send(numbered(i)).await.unwrap();
        }
    };
    let recv = async |transport: &WebSocketTransport| {
        for i in 0..FRAMES {
            assert_eq!(number(&transport.recv().await.unwrap().unwrap()), i);
        }
    };
    futures::join!(send(&client), send(&server), recv(&client), recv(&server));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_share_one_connection() {
    const TASKS: u32 = 32;
    const FRAMES: u32 = 300;
    let (client, server) = pair(Limits::default().high_water(4096)).await;
    let (client, server) = (Arc::new(client), Arc::new(server));
    let senders = (0..TASKS).map(|task| {
        let client = client.clone();
        tokio::spawn(async move {
            for i in 0..FRAMES {
                client.send(numbered(task * FRAMES + i)).await.unwrap();
            }
        })
    });
    let senders: Vec<_> = senders.collect();
    let receivers = (0..3).map(|_| {
        let server = server.clone();
        tokio::spawn(async move {
            let mut received = Vec::new();
            while let Some(frame) = server.recv().await.unwrap() {
                received.push(number(&frame));
            }
            received
        })
    });
    let receivers: Vec<_> = receivers.collect();
    for sender in senders {
        sender.await.unwrap();
    }
    client.close().await.unwrap();
    let mut all = Vec::new();
    for receiver in receivers {
        let received = timeout(Duration::from_secs(20), receiver).await;
        let received = received.expect("all receivers learn of the end").unwrap();
        // Each receiver gets what each sender sent in its order.
        let mut last = HashMap::new();
        for i in &received {
            let before = last.insert(i / FRAMES, *i);
            assert!(before.is_none_or(|before| before < *i));
        }
        all.extend(received);
    }
    all.sort_unstable();
    assert!(all.into_iter().eq(0..TASKS * FRAMES), "each once");
}

#[tokio::test]
async fn a_receive_that_is_dropped_loses_nothing() {
    const FRAMES: u32 = 2_000;
    let (client, server) = pair(Limits::default()).await;
    let send = async {
        for i in 0..FRAMES {
            client.send(numbered(i)).await.unwrap();
        }
    };
    let recv = async {
        let mut dropped = 0;
        for i in 0..FRAMES {
            let frame = loop {
                match server.recv().now_or_never() {
                    Some(frame) => break frame.unwrap().unwrap(),
                    None => dropped += 1,
                }
                tokio::task::yield_now().await;
            };
            assert_eq!(number(&frame), i);
        }
        assert!(dropped > 0);
    };
    futures::join!(send, recv);
}

#[tokio::test]
async fn a_send_that_is_dropped_is_sent_wholly_or_not_at_all() {
    const FRAMES: u32 = 300;
    let limits = Limits::default().high_water(1);
    let (client, server) = pair(limits).await;
    let large = |i: u32| {
        let mut frame = numbered(i).to_vec();
        frame.resize(50_000, i as u8);
        Bytes::from(frame)
    };
    // The peer reads nothing yet, so most of these wait, and are dropped at any of their awaits.
    for i in 0..FRAMES {
        let _ = client.send(large(i)).now_or_never();
    }
    let last = async {
        client.send(large(FRAMES)).await.unwrap();
        client.close().await.unwrap();
    };
    let recv = async {
        let mut received = Vec::new();
        while let Some(frame) = server.recv().await.unwrap() {
            let i = number(&frame.slice(..4));
            assert_eq!(frame, large(i), "whole");
            received.push(i);
        }
        received
    };
    let ((), received) = futures::join!(last, recv);
    assert!(
        received.is_sorted_by(|a, b| a < b),
        "in order, none twice: {received:?}"
    );
    assert_eq!(received.last(), Some(&FRAMES));
    let dropped = FRAMES as usize + 1 - received.len();
    assert!(dropped > 0 && received.len() > 1, "{dropped} were not sent");
}

#[tokio::test]
async fn what_is_sent_needs_nobody_else_to_arrive() {
    let (client, server) = pair(Limits::default()).await;
    // The first is written at once, the others soon.
    for i in 0..3 {
        client
            .send(numbered(i))
            .now_or_never()
            .expect("there is room")
            .unwrap();
    }
    for i in 0..3 {
        let received = timeout(Duration::from_secs(5), server.recv()).await;
        assert_eq!(
            number(&received.expect("it was written").unwrap().unwrap()),
            i
        );
    }
}

#[tokio::test]
async fn a_send_that_comes_alone_is_written_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let (arrived, arrivals) = std::sync::mpsc::channel();
    // The peer has a thread of its own, for this one does nothing but wait for it.
    let peer = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let stream = TcpStream::from_std(stream).unwrap();
            let server = WebSocketAcceptor::new().accept(stream).await.unwrap();
            while let Some(frame) = server.recv().await.unwrap() {
                arrived.send(number(&frame)).unwrap();
            }
        });
    });
    let client = WebSocketConnector::new(url).unwrap().open().await.unwrap();
    for i in 0..3 {
        client
            .send(numbered(i))
            .now_or_never()
            .expect("there is room")
            .unwrap();
        assert_eq!(arrivals.recv_timeout(Duration::from_secs(10)), Ok(i));
        // Asking and answering: nothing here had a turn but this.
        assert!(client.recv().now_or_never().is_none());
    }
    client.close().await.unwrap();
    tokio::task::spawn_blocking(|| peer.join().unwrap())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_flood_that_nobody_receives_is_held_back() {
    let (client, server) = pair(Limits::default()).await;
    let mut sent = 0_u64;
    let flood = async {
        loop {
            client.send(Bytes::from(vec![0; 50_000])).await.unwrap();
            sent += 50_000;
        }
    };
    assert!(timeout(Duration::from_millis(500), flood).await.is_err());
    // What the kernel's buffers on both sides hold, and ours.
    assert!(sent < 32 << 20, "{sent} bytes were taken");
    // Sending does not read on either: one frame ahead at most.
    for _ in 0..10 {
        server.send(numbered(1)).await.unwrap();
    }
    assert_eq!(server.recv().await.unwrap().unwrap().len(), 50_000);
}

#[tokio::test]
async fn a_receive_that_waits_holds_no_send_up() {
    let (client, server) = pair(Limits::default()).await;
    let mut waits = Box::pin(client.recv());
    assert!(futures::poll!(&mut waits).is_pending());
    client.send(numbered(7)).await.unwrap();
    assert_eq!(number(&server.recv().await.unwrap().unwrap()), 7);
    server.send(numbered(8)).await.unwrap();
    assert_eq!(number(&waits.await.unwrap().unwrap()), 8);
}

#[tokio::test]
async fn what_was_sent_before_a_close_arrives() {
    for drops in [false, true] {
        let (client, server) = pair(Limits::default()).await;
        for i in 0..100 {
            client.send(numbered(i)).await.unwrap();
            server.send(numbered(i)).await.unwrap();
        }
        client.close().await.unwrap();
        if drops {
            drop(client);
        } else {
            for i in 0..100 {
                let received = client.recv().await.unwrap().unwrap();
                assert_eq!(number(&received), i, "what the peer has sent");
            }
        }
        for i in 0..100 {
            assert_eq!(number(&server.recv().await.unwrap().unwrap()), i);
        }
        assert_eq!(server.recv().await.unwrap(), None);
    }
}

#[tokio::test]
async fn both_may_close_at_once() {
    let (client, server) = pair(Limits::default()).await;
    client.close().await.unwrap();
    server.close().await.unwrap();
    assert_eq!(client.recv().await.unwrap(), None);
    assert_eq!(server.recv().await.unwrap(), None);
}

#[tokio::test]
async fn a_client_that_asks_for_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let limits = Limits::default().open_timeout(Duration::from_millis(50));
    let error = WebSocketAcceptor::new()
        .limits(limits)
        .accept(stream)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.to_string().contains("50 ms"), "{error}");
    drop(client);
}

#[tokio::test]
async fn a_client_that_asks_for_something_else_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let error = WebSocketAcceptor::new().accept(stream).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
}

#[tokio::test]
async fn the_acceptor_chooses_its_favourite_subprotocol() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let acceptor = WebSocketAcceptor::new().protocols(["v2", "v1"]).unwrap();
    for (offered, chosen) in [
        (["v1", "v2"], Some("v2")),
        (["v1", "v0"], Some("v1")),
        (["x", "y"], None),
    ] {
        let connector = WebSocketConnector::new(&url)
            .unwrap()
            .protocols(offered)
            .unwrap();
        let accept = async { acceptor.accept(listener.accept().await.unwrap().0).await };
        let (client, server) = futures::join!(connector.open(), accept);
        let server = server.unwrap();
        assert_eq!(server.protocol(), chosen.unwrap_or_default());
        match chosen {
            Some(chosen) => assert_eq!(client.unwrap().protocol(), chosen),
            None => assert_eq!(client.unwrap_err().kind(), ErrorKind::Transport),
        }
    }
}

#[tokio::test]
async fn headers_are_sent_but_not_those_of_the_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let connector = WebSocketConnector::new(&url).unwrap();
    for (name, value) in [
        ("Upgrade", "x"),
        ("Sec-WebSocket-Key", "x"),
        ("a b", "x"),
        ("a", "x\ny"),
    ] {
        let error = connector.clone().header(name, value).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!error.to_string().contains('\n'));
    }
    let connector = connector.header("Origin", "https://example.org").unwrap();
    let seen = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        loop {
            let length = stream.peek(&mut head).await.unwrap();
            let text = String::from_utf8_lossy(&head[..length]).into_owned();
            if text.ends_with("\r\n\r\n") {
                return text;
            }
        }
    };
    let (opened, seen) = futures::join!(connector.open(), seen);
    assert!(opened.is_err());
    assert!(seen.contains("Origin: https://example.org\r\n"), "{seen}");
}

#[tokio::test]
async fn many_sends_of_one_task_are_written_together() {
    let (client, server) = pair(Limits::default()).await;
    let sends = join_all((0..1_000).map(|i| client.send(numbered(i))));
    let recv = async {
        for i in 0..1_000 {
            assert_eq!(number(&server.recv().await.unwrap().unwrap()), i);
        }
    };
    let (sent, ()) = futures::join!(sends, recv);
    assert!(sent.into_iter().all(|sent| sent.is_ok()));
}

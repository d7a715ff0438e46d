//! Sessions over pipes in memory that break.
#![cfg(not(target_arch = "wasm32"))]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use choreo_core::{Connect, Error, ErrorKind, Result, Transport, async_trait};
use choreo_session::{Link, Session, SessionConfig, Terms};

mod common;
use common::{Calls, bob, fragile};

/// Alice's session, and Bob's, whom she calls, over connections that are good for so many frames.
async fn pair(frames: usize) -> (Session, Session) {
    common::pair(move || fragile(frames)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_go_both_ways_over_connections_that_break() {
    for frames in [10, 11, 13, 20, usize::MAX] {
        let begun = std::time::Instant::now();
        let (alice, bob) = pair(frames).await;
        let run = async {
            let to_bob = alice.peer(&"Bob").unwrap();
            let to_alice = bob.peer(&"Alice").unwrap();
            let pings = async {
                for number in 0..200_u32 {
                    to_bob
                        .send(Bytes::copy_from_slice(&number.to_le_bytes()))
                        .await
                        .unwrap();
                    let echo = to_bob.recv().await.unwrap().unwrap();
                    assert_eq!(&echo[..], number.to_le_bytes());
                }
            };
            let pongs = async {
                for _ in 0..200_u32 {
                    let message = to_alice.recv().await.unwrap().unwrap();
                    to_alice.send(message).await.unwrap();
                }
            };
            futures::join!(pings, pongs);
        };
        let run = tokio::time::timeout(Duration::from_secs(60), run).await;
        assert!(
            run.is_ok(),
            "{frames}: {:?} {:?}",
            alice.status(),
            bob.status()
        );
        println!(
            "{frames}: {} connections, {:?}",
            alice.status().connections,
            begun.elapsed()
        );
        let closing = async { futures::join!(alice.close(), bob.close()) };
        let closed = tokio::time::timeout(Duration::from_secs(20), closing).await;
        println!("closed after {:?}", begun.elapsed());
        let (a, b) = closed.expect("closing takes no longer than it may linger");
        a.unwrap();
        b.unwrap();
    }
}

/// A way to somebody who is there once.
struct Once {
    calls: Calls,
    attempts: Arc<AtomicUsize>,
}

#[async_trait]
impl Connect for Once {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        match self.attempts.fetch_add(1, Ordering::SeqCst) {
            0 => self.calls.connect().await,
            _ => Err(Error::new(ErrorKind::Transport, "nobody is there")),
        }
    }
}

#[tokio::test]
async fn who_goes_on_sending_does_not_connect_more_often() {
    let calls = Calls::new(|| fragile(usize::MAX));
    let joined = calls.taken_by(bob(Terms::default()));
    let attempts = Arc::new(AtomicUsize::new(0));
    let way = Once {
        calls,
        attempts: Arc::clone(&attempts),
    };
    let config = SessionConfig::new("test", "Alice", ["Bob"]);
    let alice = Session::join(way, config).await.unwrap();
    let _bob = joined.recv().await.unwrap();
    let to_bob = alice.peer(&"Bob").unwrap();
    alice.reconnect();
    for _ in 0..200 {
        to_bob.send(Bytes::new()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let before = attempts.load(Ordering::SeqCst);
    assert!(before < 50, "{before} attempts, with 200 messages");
    // Who asks for it does not wait.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = attempts.load(Ordering::SeqCst);
    let nudges = async {
        while attempts.load(Ordering::SeqCst) < before + 20 {
            alice.nudge();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let nudged = tokio::time::timeout(Duration::from_secs(20), nudges).await;
    assert!(nudged.is_ok(), "a nudge ends the pause");
}

#[tokio::test]
async fn streams_are_bounded_and_arrive_whole() {
    let (alice, bob) = pair(usize::MAX).await;
    let (to_bob, to_alice) = (alice.peer(&"Bob").unwrap(), bob.peer(&"Alice").unwrap());
    let send = async {
        for number in 0..5_000_u32 {
            let length = if number % 500 == 0 { 300_000 } else { 10 };
            let mut message = number.to_le_bytes().to_vec();
            message.resize(4 + length, 1);
            to_bob.send(message.into()).await.unwrap();
        }
        alice.close().await.unwrap();
    };
    let receive = async {
        for number in 0..5_000_u32 {
            let message = to_alice.recv().await.unwrap().unwrap();
            assert_eq!(message[..4], number.to_le_bytes());
        }
        assert_eq!(to_alice.recv().await.unwrap(), None);
    };
    let run = async { futures::join!(send, receive) };
    let run = tokio::time::timeout(Duration::from_secs(20), run).await;
    assert!(run.is_ok(), "{:?}", bob.status());
    assert_eq!(bob.status().peers[0].waiting, 0);
}

#[tokio::test]
async fn an_abort_is_seen_by_the_peer_after_what_was_sent() {
    let (alice, bob) = pair(usize::MAX).await;
    let (to_bob, to_alice) = (alice.peer(&"Bob").unwrap(), bob.peer(&"Alice").unwrap());
    to_bob.send(Bytes::from_static(b"last")).await.unwrap();
    assert_eq!(to_alice.recv().await.unwrap().unwrap(), "last");
    alice.abort("that is enough");
    let error = to_alice.recv().await.unwrap_err();
    assert_eq!(
        error.report(),
        "the session is over: that is enough (4410 expired)"
    );
    assert!(to_alice.send(Bytes::new()).await.is_err());
    let lost = |session: &Session| matches!(session.status().link, Link::Lost(_));
    while !lost(&bob) || !lost(&alice) {
        tokio::task::yield_now().await;
    }
    for peer in [&to_bob, &to_alice] {
        let error = peer
            .recv()
            .await
            .expect_err("a loss is no end of the stream");
        assert_eq!(error.kind(), ErrorKind::Transport);
    }
}

#[tokio::test]
async fn a_waiting_send_leaves_the_other_direction_alone() {
    let (alice, bob) = pair(usize::MAX).await;
    let (to_bob, to_alice) = (alice.peer(&"Bob").unwrap(), bob.peer(&"Alice").unwrap());
    let large = Bytes::from(vec![1; 1 << 16]);
    let full = async {
        loop {
            to_bob.send(large.clone()).await.unwrap();
        }
    };
    let mut full = Box::pin(full);
    let filled = tokio::time::timeout(Duration::from_secs(1), &mut full).await;
    assert!(filled.is_err());
    to_alice.send(Bytes::from_static(b"hello")).await.unwrap();
    let received = tokio::time::timeout(Duration::from_secs(2), to_bob.recv()).await;
    assert_eq!(received.unwrap().unwrap().unwrap(), "hello");
}

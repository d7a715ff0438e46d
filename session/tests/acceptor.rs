//! Whom a role lets call it, and for how long it remembers them.
#![cfg(not(target_arch = "wasm32"))]

use std::time::Duration;

use choreo_core::queue::Queue;
use choreo_core::{Transport, runtime};
use choreo_session::wire::{Abort, Code};
use choreo_session::{Session, SessionConfig, Terms};

mod common;
use common::{Calls, bob, fragile};

fn calls() -> Calls {
    Calls::new(|| fragile(usize::MAX))
}

fn config<const N: usize>(number: u32, peers: [&'static str; N]) -> SessionConfig {
    SessionConfig::new(format!("session {number}"), "Alice", peers)
}

#[tokio::test]
async fn sessions_that_have_ended_make_room_for_others() {
    let terms = Terms {
        sessions: 2,
        ..Terms::default()
    };
    let calls = calls();
    let joined = calls.taken_by(bob(terms));
    for number in 0..6 {
        let (alice, bob) = call(&calls, number, &joined).await;
        let hello = alice.peer(&"Bob").unwrap();
        hello.send("hello".into()).await.unwrap();
        let received = bob.peer(&"Alice").unwrap().recv().await.unwrap();
        assert_eq!(received.unwrap(), "hello");
        drop(hello);
        let (a, b) = futures::join!(alice.close(), bob.close());
        a.unwrap();
        b.unwrap();
    }
}

#[tokio::test]
async fn who_is_refused_takes_no_room_for_long() {
    let terms = Terms {
        sessions: 2,
        resume_ttl: Duration::from_millis(20),
        ..Terms::default()
    };
    let calls = calls();
    let joined = calls.taken_by(bob(terms));
    for number in 0..6 {
        let session = Session::join(calls.clone(), config(number, ["Bob", "Carol"]));
        let error = session.await.map(drop).unwrap_err();
        let abort = std::error::Error::source(&error).and_then(|source| source.downcast_ref());
        let code = abort.map(|abort: &Abort| abort.code());
        assert_eq!(code, Some(Code::Forbidden), "{}", error.report());
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let (alice, bob) = call(&calls, 6, &joined).await;
    assert_eq!((alice.name(), bob.name()), ("session 6", "session 6"));
}

/// Alice's session, and Bob's.
async fn call(calls: &Calls, number: u32, joined: &Queue<Session>) -> (Session, Session) {
    let session = Session::join(calls.clone(), config(number, ["Bob"]));
    let both = async { futures::join!(session, joined.recv()) };
    let both = runtime::timeout(Duration::from_secs(10), both).await;
    let (alice, bob) = both.expect("there is room");
    (alice.unwrap(), bob.unwrap())
}

//! Roles talk through a relay, come back, and leave.

mod common;

use std::time::Duration;

use choreo_core::{Bytes, Transport};
use choreo_relay::RelayConfig;
use choreo_session::wire::{Abort, Code, Frame, Kind};
use choreo_session::{Anyone, Link, Session, SessionConfig, Terms};
use common::{LONG, Server, ask, data, hello, session};
use tokio::time::timeout;

fn config(role: &'static str, peer: &'static str) -> SessionConfig {
    SessionConfig::new("game", role, [peer])
}

/// Sends numbers there and back.
async fn talk(alice: &Session, bob: &Session, rounds: u32) {
    let (to_bob, to_alice) = (alice.peer(&"Bob").unwrap(), bob.peer(&"Alice").unwrap());
    let pings = async {
        for number in 0..rounds {
            let message = Bytes::copy_from_slice(&number.to_le_bytes());
            to_bob.send(message.clone()).await.unwrap();
            assert_eq!(to_bob.recv().await.unwrap(), Some(message));
        }
    };
    let pongs = async {
        for _ in 0..rounds {
            let message = to_alice.recv().await.unwrap().unwrap();
            to_alice.send(message).await.unwrap();
        }
    };
    let run = async { futures::join!(pings, pongs) };
    timeout(LONG, run)
        .await
        .unwrap_or_else(|_| panic!("{:?} {:?}", alice.status(), bob.status()));
}

#[tokio::test]
async fn two_roles_talk_and_leave_in_order() {
    let server = Server::start(Anyone, RelayConfig::default()).await;
    let alice = session(&server.url(), config("Alice", "Bob")).await;
    let bob = session(&server.url(), config("Bob", "Alice")).await;
    talk(&alice, &bob, 100).await;
    assert_eq!(server.metric("choreo_relay_sessions ").await, 1.0);
    let (a, b) = futures::join!(alice.close(), bob.close());
    (a.unwrap(), b.unwrap());
    timeout(LONG, server.relay.drain(LONG))
        .await
        .expect("all are gone");
}

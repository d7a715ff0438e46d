//! Roles over HTTP: among others, through restarts, and where a `WebSocket` does not pass.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use choreo_core::{Fallback, Transport};
use choreo_relay::{Relay, RelayConfig};
use choreo_session::{Anyone, Session, SessionConfig, Timing};
use choreo_transport_fetch::FetchConnector;
use choreo_transport_websocket::WebSocketConnector;
use common::{LONG, Server, close, http_session, session, talk};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

fn config(role: &'static str, peer: &'static str) -> SessionConfig {
    SessionConfig::new("game", role, [peer])
}

#[tokio::test]
async fn a_role_by_websocket_and_one_over_http_talk_and_leave() {
    let server = Server::start(Anyone, RelayConfig::default()).await;
    for (round, over_http) in [[false, true], [true, false], [true, true]]
        .iter()
        .enumerate()
    {
        let join = async |http: bool, config| match http {
            true => http_session(&server.http_url(), config).await,
            false => session(&server.url(), config).await,
        };
        let alice = join(over_http[0], config("Alice", "Bob")).await;
        let bob = join(over_http[1], config("Bob", "Alice")).await;
        talk(&alice, &bob, 200).await;
        let connections = (alice.status().connections, bob.status().connections);
        assert_eq!(connections, (1, 1), "round {round}");
        close(alice, bob).await;
    }
    for (transport, opened) in [("websocket", 2.0), ("http", 4.0)] {
        let name = format!(r#"choreo_relay_opened_total{{transport="{transport}"}}"#);
        assert_eq!(server.metric(&name).await, opened);
    }
    // What carried them ends with them: nothing has to run out.
    let begun = Instant::now();
    timeout(LONG, server.relay.drain(2 * LONG))
        .await
        .expect("all are gone");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn long_messages_go_both_ways_at_once_over_http() {
    let server = Server::start(Anyone, RelayConfig::default()).await;
    let alice = http_session(&server.http_url(), config("Alice", "Bob")).await;
    let bob = session(&server.url(), config("Bob", "Alice")).await;
    let (to_bob, to_alice) = (alice.peer(&"Bob").unwrap(), bob.peer(&"Alice").unwrap());
    let size = |number: usize| [1, 3_000, 70_000, 1_000_000][number % 4];
    let send = async |to: &dyn Transport| {
        for number in 0..20 {
            let message = vec![number as u8; size(number)];
            to.send(message.into()).await.unwrap();
        }
    };
    let receive = async |from: &dyn Transport| {
        for number in 0..20 {
            let message = from.recv().await.unwrap().unwrap();
            assert_eq!(message, vec![number as u8; size(number)]);
        }
    };
    let all = async {
        futures::join!(
            send(&to_bob),
            send(&to_alice),
            receive(&to_bob),
            receive(&to_alice)
        )
    };
    timeout(LONG, all).await.expect("all arrive");
    assert_eq!(alice.status().connections, 1);
    close(alice, bob).await;
}

/// Longer than newcomers may be there, and than a request's head may take.
#[tokio::test]
async fn a_role_over_http_that_is_in_stays() {
    let config_of_relay = RelayConfig::default()
        .with_greeting_time(Duration::from_millis(300))
        .with_newcomers(4, 4);
    let server = Server::start(Anyone, config_of_relay).await;
    let mut sessions = Vec::new();
    for name in ["one", "two", "three"] {
        let config = |role, peer| SessionConfig::new(name, role, [peer]);
        let alice = http_session(&server.http_url(), config("Alice", "Bob")).await;
        let bob = http_session(&server.http_url(), config("Bob", "Alice")).await;
        sessions.push((alice, bob));
    }
    sleep(Duration::from_secs(1)).await;
    for (alice, bob) in sessions {
        talk(&alice, &bob, 20).await;
        let connections = (alice.status().connections, bob.status().connections);
        assert_eq!(connections, (1, 1));
        close(alice, bob).await;
    }
}

#[cfg(feature = "cli")]
#[tokio::test]
async fn roles_over_http_outlive_a_restart() {
    use common::PROGRAM;
    let keys = PROGRAM.make_keys().await;
    let anywhere = "127.0.0.1:0".parse().unwrap();
    let relay = PROGRAM.start_at(anywhere, &keys, &[]).await;
    let address = relay.address;
    let token = async |role| keys.token("game", role).await;
    let alice = config("Alice", "Bob").with_token(token("Alice").await);
    let bob = config("Bob", "Alice").with_token(token("Bob").await);
    let alice = http_session(&format!("http://{address}"), alice).await;
    let bob = session(&format!("ws://{address}"), bob).await;
    talk(&alice, &bob, 10).await;
    relay.kill().await;
    let (to_bob, to_alice) = (alice.peer(&"Bob").unwrap(), bob.peer(&"Alice").unwrap());
    to_bob.send("meanwhile".into()).await.unwrap();
    let _relay = PROGRAM.start_at(address, &keys, &[]).await;
    let message = timeout(LONG, to_alice.recv()).await.unwrap().unwrap();
    assert_eq!(message, Some("meanwhile".into()));
    talk(&alice, &bob, 10).await;
    close(alice, bob).await;
}

#[tokio::test]
async fn a_drain_sends_roles_over_http_elsewhere() {
    let settings = || RelayConfig::default().with_master([7; 32]);
    let server = Server::start(Anyone, settings()).await;
    let alice = http_session(&server.http_url(), config("Alice", "Bob")).await;
    let bob = session(&server.url(), config("Bob", "Alice")).await;
    talk(&alice, &bob, 10).await;
    let next = async {
        let listener = loop {
            match TcpListener::bind(server.address).await {
                Ok(listener) => break listener,
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        };
        let relay = Relay::new(Anyone, settings()).unwrap();
        tokio::spawn(async move { relay.listen(listener).await });
    };
    let drain = server.relay.drain(Duration::from_millis(500));
    let both = async { futures::join!(drain, next, talk(&alice, &bob, 100)) };
    timeout(LONG, both).await.expect("it is drained");
    assert_eq!(alice.status().connections, 2);
    talk(&alice, &bob, 10).await;
    close(alice, bob).await;
}

/// What stands between, and what it makes of a WebSocket.
#[derive(Clone, Copy)]
enum Between {
    Refuses,
    AcceptsAndCuts,
}

/// The head of a request or an answer.
async fn head(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return Vec::new(),
        }
    }
    head
}

async fn between(to: SocketAddr, kind: Between) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let request = head(&mut near).await;
                let upgrade = String::from_utf8_lossy(&request)
                    .to_lowercase()
                    .contains("upgrade: websocket");
                if upgrade && matches!(kind, Between::Refuses) {
                    let no = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
                    let _ = near.write_all(no).await;
                    return;
                }
                let mut far = TcpStream::connect(to).await.unwrap();
                far.write_all(&request).await.unwrap();
                if upgrade {
                    let answer = head(&mut far).await;
                    let _ = near.write_all(&answer).await;
                    return;
                }
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    address
}

fn ways(address: SocketAddr) -> Fallback {
    Fallback::new(
        WebSocketConnector::new(format!("ws://{address}")).unwrap(),
        FetchConnector::new(format!("http://{address}")).unwrap(),
    )
}

#[tokio::test]
async fn where_no_websocket_passes_a_session_goes_over_http() {
    for kind in [Between::Refuses, Between::AcceptsAndCuts] {
        let server = Server::start(Anyone, RelayConfig::default()).await;
        let ways = ways(between(server.address, kind).await);
        let alice = Session::join(ways.clone(), config("Alice", "Bob")).await;
        let alice = alice.unwrap();
        let bob = session(&server.url(), config("Bob", "Alice")).await;
        talk(&alice, &bob, 100).await;
        assert_eq!((ways.current(), alice.status().connections), (1, 1));
        // It stays there.
        alice.reconnect();
        talk(&alice, &bob, 10).await;
        assert_eq!(ways.current(), 1);
        close(alice, bob).await;
    }
}

#[tokio::test]
async fn a_session_changes_over_both_ways_and_loses_nothing() {
    let server = Server::start(Anyone, RelayConfig::default()).await;
    let timing = Timing {
        backoff: Duration::from_millis(5),
        ..Timing::default()
    };
    let (ways, others) = (ways(server.address), ways(server.address));
    let join = async |ways: &Fallback, config: SessionConfig| {
        let config = config.with_timing(timing);
        Session::join(ways.clone(), config).await.unwrap()
    };
    let alice = join(&ways, config("Alice", "Bob")).await;
    let bob = join(&others, config("Bob", "Alice")).await;
    let switch = async {
        for round in 1..=6 {
            sleep(Duration::from_millis(60)).await;
            ways.prefer(round % 2);
            alice.reconnect();
            others.prefer((round / 2) % 2);
            bob.reconnect();
        }
    };
    futures::join!(talk(&alice, &bob, 1_000), switch);
    talk(&alice, &bob, 100).await;
    assert!(alice.status().connections > 2, "{:?}", alice.status());
    for transport in ["websocket", "http"] {
        let name = format!(r#"choreo_relay_opened_total{{transport="{transport}"}}"#);
        assert!(server.metric(&name).await >= 2.0, "{transport}");
    }
    close(alice, bob).await;
}

//! Bob is called by programs, over connections that break.

use std::path::Path;
use std::time::Duration;

use choreo::prelude::*;
use choreo::session::Link;
use native_server::{Bob, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use two_browsers::protocol::Role;
use two_browsers::{Talk, endpoint, play};

/// Starts the server and returns its host and port.
async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let server = server(Bob::new().unwrap(), Path::new("."));
    tokio::spawn(async move { axum::serve(listener, server).await });
    host
}

async fn join(host: &str, session: &str) -> Session {
    let connector = WebSocketConnector::new(format!("ws://{host}/bob")).unwrap();
    let config = SessionConfig::new(session, Role::Alice, [Role::Bob]);
    Session::join(connector, config).await.unwrap()
}

#[tokio::test]
async fn callers_talk_at_the_same_time_and_lose_nothing_when_cut() {
    const ROUNDS: u64 = 300;
    let host = start().await;
    let call = async |name: &str| {
        let session = join(&host, name).await;
        let endpoint = endpoint(Role::Alice, &session).unwrap();
        let talk = Talk::new(format!("I am {name}"), Duration::from_millis(1));
        let cuts = async {
            for connections in 1..=5 {
                while session.status().connections < connections
                    || session.status().link != Link::Connected
                {
                    session.changed().await;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
                session.reconnect();
            }
        };
        let (played, ()) = tokio::join!(play(&endpoint, &talk, Some(ROUNDS)), cuts);
        played.unwrap();
        assert_eq!(talk.last_heard(), format!("Bob heard: I am {name}"));
        let tally = talk.tally();
        assert_eq!(tally.heard, ROUNDS);
        assert_eq!([tally.lost, tally.repeated, tally.reordered], [0; 3]);
        assert!(session.status().connections > 5);
        session.close().await.unwrap();
    };
    tokio::join!(call("first"), call("second"));
}

/// Asks for a WebSocket as a page of that origin would, and returns the status line.
async fn upgrade(host: &str, origin: &str) -> String {
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!(
        "GET /bob HTTP/1.1\r\nhost: {host}\r\norigin: {origin}\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn pages_of_other_servers_are_refused() {
    let host = start().await;
    let own = format!("http://{host}");
    assert_eq!(upgrade(&host, &own).await, "HTTP/1.1 101");
    for foreign in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(upgrade(&host, foreign).await, "HTTP/1.1 403", "{foreign}");
    }
}

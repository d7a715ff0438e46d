//! Roles talk through a relay, come back, and leave.

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use choreo_core::{Connect, Result, Transport, async_trait};
use choreo_relay::{Relay, RelayConfig};
use choreo_session::wire::{Abort, Code, Frame, Kind};
use choreo_session::{Anyone, Link, Session, SessionConfig, Terms};
use choreo_testkit::reference_pair;
use common::{LONG, Proxy, Server, ask, close, data, hello, session, talk};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

fn config(role: &'static str, peer: &'static str) -> SessionConfig {
    SessionConfig::new("game", role, [peer])
}

fn with_terms(change: impl FnOnce(&mut Terms)) -> RelayConfig {
    let mut terms = Terms::default();
    change(&mut terms);
    RelayConfig::default().with_terms(terms)
}

async fn open(config: RelayConfig) -> Server {
    Server::start(Anyone, config).await
}

/// Why a session is lost.
async fn lost(session: &Session) -> Abort {
    loop {
        if let Link::Lost(abort) = session.status().link {
            return abort;
        }
        timeout(LONG, session.changed()).await.unwrap();
    }
}

#[tokio::test]
async fn two_roles_talk_and_leave_in_order() {
    let server = open(RelayConfig::default()).await;
    let alice = session(&server.url(), config("Alice", "Bob")).await;
    let bob = session(&server.url(), config("Bob", "Alice")).await;
    talk(&alice, &bob, 100).await;
    assert_eq!(server.metric("choreo_relay_sessions ").await, 1.0);
    close(alice, bob).await;
    timeout(LONG, server.relay.drain(LONG))
        .await
        .expect("all are gone");
}

#[tokio::test]
async fn long_messages_go_both_ways_at_once() {
    let server = open(RelayConfig::default()).await;
    let alice = session(&server.url(), config("Alice", "Bob")).await;
    let bob = session(&server.url(), config("Bob", "Alice")).await;
    let (to_bob, to_alice) = (alice.peer(&"Bob").unwrap(), bob.peer(&"Alice").unwrap());
    let size = |number: usize| [1, 3_000, 70_000, 1_000_000][number % 4];
    let send = async |to: &dyn Transport| {
        for number in 0..40 {
            to.send(vec![number as u8; size(number)].into())
                .await
                .unwrap();
        }
    };
    let receive = async |from: &dyn Transport| {
        for number in 0..40 {
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
    assert_eq!(
        (alice.status().connections, bob.status().connections),
        (1, 1)
    );
    close(alice, bob).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_go_on_over_connections_that_are_cut() {
    let server = open(RelayConfig::default()).await;
    let proxy = Proxy::start(server.address).await;
    let alice = session(&proxy.url(), config("Alice", "Bob")).await;
    let bob = session(&proxy.url(), config("Bob", "Alice")).await;
    for _ in 0..5 {
        let cut = async {
            sleep(Duration::from_millis(5)).await;
            proxy.cut();
        };
        futures::join!(talk(&alice, &bob, 200), cut);
    }
    assert!(alice.status().connections > 1, "{:?}", alice.status());
    assert!(
        server
            .metric(r#"choreo_relay_let_in_total{how="resumed"}"#)
            .await
            >= 2.0
    );
    close(alice, bob).await;
}

#[tokio::test]
async fn frames_are_passed_on_under_the_senders_number() {
    let server = open(RelayConfig::default()).await;
    let mut alice = server.join("s", "Alice", &["Carol", "Bob"]).await;
    let mut bob = server.join("s", "Bob", &["Alice", "Carol"]).await;
    let mut carol = server.join("s", "Carol", &["Alice", "Bob"]).await;
    let frames = [data(1, 1, "to Carol"), data(2, 9, "to Bob"), ask(2)];
    alice.send_all(&frames).await;
    assert_eq!(carol.frame().await, data(1, 1, "to Carol"));
    assert_eq!(bob.frame().await, data(1, 9, "to Bob"));
    assert_eq!(bob.frame().await, ask(1));
    bob.send(&data(2, 1, "from Bob")).await;
    assert_eq!(carol.frame().await, data(2, 1, "from Bob"));
}

#[tokio::test]
async fn sessions_of_other_names_hear_nothing() {
    let server = open(RelayConfig::default()).await;
    let mut alice = server.join("s", "Alice", &["Bob"]).await;
    let mut bob = server.join("s", "Bob", &["Alice"]).await;
    let mut other = server.join("t", "Bob", &["Alice"]).await;
    alice.send(&data(1, 1, "hello")).await;
    assert_eq!(bob.frame().await.payload, "hello");
    other.send(&Frame::new(Kind::Ping, 0)).await;
    assert_eq!(other.frame().await.kind, Kind::Pong);
}

#[tokio::test]
async fn frames_for_who_is_not_there_are_dropped_and_counted() {
    let server = open(RelayConfig::default()).await;
    let mut alice = server.join("s", "Alice", &["Bob"]).await;
    alice
        .send_all(&[data(1, 1, "lost"), Frame::new(Kind::Ping, 0)])
        .await;
    assert_eq!(alice.frame().await.kind, Kind::Pong);
    let dropped = r#"choreo_relay_frames_dropped_total{why="absent"}"#;
    assert_eq!(server.metric(dropped).await, 1.0);
    let mut bob = server.join("s", "Bob", &["Alice"]).await;
    alice.send(&data(1, 2, "there")).await;
    assert_eq!(bob.frame().await.payload, "there");
}

#[tokio::test]
async fn who_sends_to_a_role_that_has_left_is_told() {
    let server = open(RelayConfig::default()).await;
    let mut alice = server.join("s", "Alice", &["Carol", "Bob"]).await;
    let mut bob = server.join("s", "Bob", &["Alice"]).await;
    bob.send(&Frame::new(Kind::Fin, 0)).await;
    let ended = bob.ended().await;
    assert_eq!((ended.abort, ended.close), (None, Some(1000)));
    alice.send(&ask(2)).await;
    let told = alice.frame().await;
    assert_eq!((told.kind, told.peer, told.seq), (Kind::Fin, 2, 0));
    // It is over for the role, not only for the connection.
    let mut again = server.dial().await;
    again.hello(&hello("s", "Bob", &["Alice"])).await;
    assert!(
        again
            .ended()
            .await
            .is(Code::Expired)
            .contains("Bob has left")
    );
}

#[tokio::test]
async fn a_newer_connection_takes_over() {
    let server = open(RelayConfig::default()).await;
    let mut alice = server.join("s", "Alice", &["Bob"]).await;
    let mut who = hello("s", "Bob", &["Alice"]);
    let mut older = server.dial().await;
    older.hello(&who).await;
    older.welcome().await;
    who.epoch += 1;
    let mut newer = server.dial().await;
    newer.hello(&who).await;
    newer.welcome().await;
    older.ended().await.is(Code::Superseded);
    alice.send(&data(1, 1, "hello")).await;
    assert_eq!(newer.frame().await.payload, "hello");
}

#[tokio::test]
async fn an_abort_ends_the_session_for_all_after_what_was_sent() {
    let server = open(RelayConfig::default()).await;
    let mut alice = server.join("s", "Alice", &["Bob", "Carol"]).await;
    let mut bob = server.join("s", "Bob", &["Carol", "Alice"]).await;
    let mut carol = server.join("s", "Carol", &["Alice"]).await;
    let abort = Abort::new(Code::Expired, "that is enough");
    alice
        .send_all(&[data(1, 1, "last"), abort.to_frame(0)])
        .await;
    assert_eq!(bob.frame().await.payload, "last");
    for other in [&mut bob, &mut carol] {
        assert_eq!(other.ended().await.is(Code::Expired), "that is enough");
    }
    assert_eq!(alice.ended().await.abort, None);
    assert_eq!(server.metric("choreo_relay_sessions ").await, 0.0);
}

#[tokio::test]
async fn a_role_that_missed_the_end_is_told_when_it_comes_back() {
    let server = open(RelayConfig::default()).await;
    let proxy = Proxy::start(server.address).await;
    let alice = session(&server.url(), config("Alice", "Bob")).await;
    let bob = session(&proxy.url(), config("Bob", "Alice")).await;
    talk(&alice, &bob, 1).await;
    proxy.let_through(false);
    assert_eq!(bob.changed().await.link, Link::Resuming);
    alice.abort("that is enough");
    assert_eq!(server.metric("choreo_relay_sessions ").await, 0.0);
    proxy.let_through(true);
    assert_eq!(lost(&bob).await.reason(), "that is enough");
}

#[tokio::test]
async fn a_role_of_a_lost_session_does_not_get_into_a_new_one_of_that_name() {
    let server = open(RelayConfig::default()).await;
    let proxy = Proxy::start(server.address).await;
    let alice = session(&server.url(), config("Alice", "Bob")).await;
    let bob = session(&proxy.url(), config("Bob", "Alice")).await;
    talk(&alice, &bob, 1).await;
    proxy.let_through(false);
    assert_eq!(bob.changed().await.link, Link::Resuming);
    alice.abort("that is enough");
    assert_eq!(server.metric("choreo_relay_sessions ").await, 0.0);
    let again = session(&server.url(), config("Alice", "Bob")).await;
    proxy.let_through(true);
    assert_eq!(lost(&bob).await.reason(), "that is enough");
    let bob = session(&server.url(), config("Bob", "Alice")).await;
    talk(&again, &bob, 1).await;
    close(again, bob).await;
    assert_eq!(server.metric("choreo_relay_sessions ").await, 0.0);
}

#[tokio::test]
async fn a_role_that_is_away_for_too_long_ends_the_session() {
    let server = open(with_terms(|terms| {
        terms.resume_ttl = Duration::from_millis(300);
    }))
    .await;
    let mut alice = server.join("s", "Alice", &["Bob"]).await;
    let bob = server.join("s", "Bob", &["Alice"]).await;
    let mut other = server.join("t", "Alice", &["Bob"]).await;
    drop(bob);
    let ended = alice.ended().await;
    assert!(
        ended.is(Code::Expired).contains("Bob was away"),
        "{ended:?}"
    );
    other.send(&Frame::new(Kind::Ping, 0)).await;
    assert_eq!(other.frame().await.kind, Kind::Pong);
    assert_eq!(
        server
            .metric(r#"choreo_relay_sessions_ended_total{code="4410"}"#)
            .await,
        1.0
    );
}

#[tokio::test]
async fn a_silent_connection_is_closed_and_its_role_may_come_back() {
    let config = with_terms(|terms| terms.ping_interval = Duration::from_millis(100));
    let server = open(config.with_silence(Duration::from_millis(400))).await;
    let who = hello("s", "Alice", &["Bob"]);
    let mut silent = server.dial().await;
    silent.hello(&who).await;
    silent.welcome().await;
    let mut lively = server.join("s", "Bob", &["Alice"]).await;
    let answers = async {
        for _ in 0..10 {
            assert_eq!(lively.frame().await.kind, Kind::Ping);
            lively.send(&Frame::new(Kind::Pong, 0)).await;
        }
    };
    let (ended, ()) = futures::join!(silent.ended(), answers);
    // An ABORT would end the session for a role that only slept.
    assert_eq!((ended.abort, ended.close), (None, Some(4408)));
    let mut again = server.dial().await;
    let mut who = who;
    who.epoch += 1;
    again.hello(&who).await;
    again.welcome().await;
}

#[tokio::test]
async fn a_drain_sends_all_away_and_loses_nothing() {
    let before = open(RelayConfig::default().with_master([7; 32])).await;
    let after = open(RelayConfig::default().with_master([7; 32])).await;
    let mut bare = before.join("t", "Alice", &["Bob"]).await;
    // A proxy stands for the name of the service, which leads to the other relay then.
    let connector = Moving::new([before.url(), after.url()]);
    let alice = Session::join(connector.clone(), config("Alice", "Bob"))
        .await
        .unwrap();
    let bob = Session::join(connector.clone(), config("Bob", "Alice"))
        .await
        .unwrap();
    talk(&alice, &bob, 10).await;
    connector.go_on();
    let drain = before.relay.drain(Duration::from_secs(1));
    let (drained, ()) = futures::join!(timeout(LONG, drain), talk(&alice, &bob, 500));
    drained.expect("a drain ends");
    let goaway = bare.frame().await;
    assert_eq!((goaway.kind, goaway.seq), (Kind::GoAway, 1_000));
    assert_eq!(bare.ended().await.close, Some(1000));
    talk(&alice, &bob, 10).await;
    assert!(
        TcpStream::connect(before.address).await.is_err(),
        "nobody is accepted"
    );
    assert_eq!(
        after
            .metric(r#"choreo_relay_let_in_total{how="resumed"}"#)
            .await,
        2.0
    );
    close(alice, bob).await;
}

#[tokio::test]
async fn it_can_be_mounted_in_ones_own_server() {
    let relay = Relay::new(Anyone, RelayConfig::default()).unwrap();
    let page = Router::new()
        .route("/", get("page"))
        .nest("/relay", relay.router());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = page.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    let url = format!("ws://{address}/relay");
    let alice = session(&url, config("Alice", "Bob")).await;
    let bob = session(&url, config("Bob", "Alice")).await;
    talk(&alice, &bob, 10).await;
    close(alice, bob).await;
}

#[tokio::test]
async fn it_serves_connections_of_any_kind() {
    let relay = Relay::new(Anyone, RelayConfig::default()).unwrap();
    let alice = Session::join(Pipes(relay.clone()), config("Alice", "Bob"))
        .await
        .unwrap();
    let bob = Session::join(Pipes(relay.clone()), config("Bob", "Alice"))
        .await
        .unwrap();
    talk(&alice, &bob, 100).await;
    close(alice, bob).await;
    timeout(LONG, relay.drain(LONG))
        .await
        .expect("all are gone");
}

#[tokio::test]
async fn health_and_metrics_are_told() {
    let server = open(RelayConfig::default()).await;
    assert!(server.get("/healthz").await.contains("200 OK"));
    let mut alice = server.join("s", "Alice", &["Bob"]).await;
    let mut bob = server.join("s", "Bob", &["Alice"]).await;
    alice.send(&data(1, 1, "12345")).await;
    bob.frame().await;
    let metrics = server.get("/metrics").await;
    assert!(
        metrics.contains("content-type: application/openmetrics-text"),
        "{metrics}"
    );
    for line in [
        r#"choreo_relay_let_in_total{how="joined"} 2"#,
        "choreo_relay_sessions 1",
        // And the one that asks.
        "choreo_relay_connections 3",
        "choreo_relay_frames_total 1",
        "choreo_relay_payload_bytes_total 5",
    ] {
        assert!(
            metrics.lines().any(|found| found == line),
            "{line}\n{metrics}"
        );
    }
}

#[tokio::test]
async fn a_question_for_a_peer_that_comes_later_is_asked_again() {
    // The frame that a relay drops for an absent role is the first that a session sends.
    let server = open(RelayConfig::default()).await;
    let alice = session(&server.url(), config("Alice", "Bob")).await;
    let to_bob = alice.peer(&"Bob").unwrap();
    to_bob.send("early".into()).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let bob = session(&server.url(), config("Bob", "Alice")).await;
    let to_alice = bob.peer(&"Alice").unwrap();
    let message = timeout(Duration::from_millis(1_500), to_alice.recv());
    let message = message.await.expect("the newcomer asks").unwrap();
    assert_eq!(message, Some("early".into()));
}

/// Opens pipes that a relay serves.
struct Pipes(Relay);

#[async_trait]
impl Connect for Pipes {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        let (near, far) = reference_pair(16);
        let relay = self.0.clone();
        tokio::spawn(async move { relay.serve(&far, None).await });
        Ok(Box::new(near))
    }
}

/// Opens connections to one server, and later to another.
#[derive(Clone)]
struct Moving {
    urls: [String; 2],
    now: Arc<std::sync::atomic::AtomicUsize>,
}

impl Moving {
    fn new(urls: [String; 2]) -> Self {
        Self {
            urls,
            now: Arc::default(),
        }
    }

    fn go_on(&self) {
        self.now.store(1, std::sync::atomic::Ordering::SeqCst);
    }
}

#[async_trait]
impl Connect for Moving {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        let url = &self.urls[self.now.load(std::sync::atomic::Ordering::SeqCst)];
        choreo_transport_websocket::WebSocketConnector::new(url)?
            .connect()
            .await
    }
}

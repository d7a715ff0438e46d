//! What a relay makes of those who mean no good: refused with the right code, while others go on.
#![cfg(feature = "tokens")]

mod common;

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use choreo_relay::{Claims, KeyFile, RelayConfig};
use choreo_session::wire::{Abort, Code, Flags, Frame, Kind, Proof, VERSION};
use choreo_session::{Anyone, Limits, Session, SessionConfig, Terms};
use choreo_transport_websocket::WebSocketConnector;
use common::{Client, LONG, Scene, Server, ask, data, hello, hello_frame};
use futures::SinkExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::protocol::frame::Frame as Fragment;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};

async fn scene(config: RelayConfig) -> Scene<Client> {
    let server = Server::start(Anyone, config).await;
    let alice = server.join("quiet", "Alice", &["Bob"]).await;
    Scene::of(server, alice).await
}

/// Somebody who is in, in a session of its own.
async fn mallory(scene: &Scene<Client>) -> Client {
    scene.server.join("noisy", "Mallory", &["Eve"]).await
}

/// How a relay answers to bytes from one who is in, and from one who is not.
async fn answers(bytes: impl Into<Bytes>) -> [u64; 2] {
    let bytes = bytes.into();
    let mut scene = scene(RelayConfig::default()).await;
    let mut codes = [0; 2];
    for (mut client, code) in [mallory(&scene).await, scene.server.dial().await]
        .into_iter()
        .zip(&mut codes)
    {
        client.bytes(bytes.clone()).await;
        let ended = client.ended().await;
        assert_eq!(ended.abort, ended.close.map(u64::from), "{ended:?}");
        *code = ended.abort.unwrap();
    }
    scene.others_go_on().await;
    codes
}

#[tokio::test]
async fn a_foreign_or_null_origin_is_refused() {
    let page = "https://game.example";
    let server = Server::start(Anyone, RelayConfig::default().with_origins([page])).await;
    let dial = async |origins: &[&str]| {
        let stream = TcpStream::connect(server.address).await.unwrap();
        Client::over(stream, server.address, origins).await
    };
    for origins in [
        &["https://evil.example"][..],
        &["null"],
        &["https://game.example.evil.example"],
        &["http://game.example"],
        &["https://game.example:444"],
        &[""],
        &[page, page],
    ] {
        match dial(origins).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 403, "{origins:?}"),
            Err(error) => panic!("{origins:?}: {error}"),
            Ok(_) => panic!("{origins:?} was let through"),
        }
    }
    for origins in [&[page][..], &[]] {
        let mut client = dial(origins).await.unwrap();
        client
            .hello(&hello("s", &format!("Role{}", origins.len()), &[]))
            .await;
        client.welcome().await;
    }
    assert_eq!(
        server
            .metric(r#"choreo_relay_refused_total{code="4403"}"#)
            .await,
        7.0
    );
}

/// A relay that asks for tokens, and its keys.
async fn strict() -> (Server, KeyFile) {
    let keys = KeyFile::generate().unwrap();
    let config = RelayConfig::default().with_master(keys.master());
    (Server::start(keys.tokens(), config).await, keys)
}

fn token(keys: &KeyFile, session: &str, role: &str) -> String {
    keys.token(&Claims::new(session, role), LONG).unwrap()
}

/// Joins as Alice of the session s with that token.
async fn alice(server: &Server, token: impl Into<String>) -> Client {
    let mut client = server.dial().await;
    let mut hello = hello("s", "Alice", &["Bob"]);
    hello.token = Some(token.into());
    client.hello(&hello).await;
    client
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let (server, keys) = strict().await;
    let good = token(&keys, "s", "Alice");
    let other = token(&KeyFile::generate().unwrap(), "s", "Alice");
    let (start, end) = good.split_at(good.len() / 2);
    let changed = format!(
        "{start}{}{}",
        if end.starts_with('A') { 'B' } else { 'A' },
        &end[1..]
    );
    for wrong in [
        String::new(),
        "token".into(),
        other,
        changed,
        good[1..].into(),
    ] {
        alice(&server, wrong)
            .await
            .ended()
            .await
            .is(Code::Unauthorized);
    }
    alice(&server, good).await.welcome().await;
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let (server, keys) = strict().await;
    let claims = Claims::new("s", "Alice");
    let short = keys.token(&claims, Duration::from_millis(1)).unwrap();
    sleep(Duration::from_millis(10)).await;
    let ended = alice(&server, short).await.ended().await;
    assert!(ended.is(Code::Unauthorized).contains("expired"));
}

#[tokio::test]
async fn a_token_that_was_used_is_refused() {
    let (server, keys) = strict().await;
    let good = token(&keys, "s", "Alice");
    let mut first = alice(&server, good.clone()).await;
    first.welcome().await;
    let ended = alice(&server, good.clone()).await.ended().await;
    assert!(ended.is(Code::Unauthorized).contains("used"));
    // Nor when the session is over.
    first.send(&Frame::new(Kind::Fin, 0)).await;
    first.ended().await;
    alice(&server, good)
        .await
        .ended()
        .await
        .is(Code::Unauthorized);
}

#[tokio::test]
async fn bobs_token_does_not_make_alice() {
    let (server, keys) = strict().await;
    let bobs = token(&keys, "s", "Bob");
    let ended = alice(&server, bobs).await.ended().await;
    assert!(ended.is(Code::Forbidden).contains("another role"));
}

#[tokio::test]
async fn the_token_of_another_session_is_refused() {
    let (server, keys) = strict().await;
    let others = token(&keys, "t", "Alice");
    let ended = alice(&server, others).await.ended().await;
    assert!(ended.is(Code::Forbidden).contains("another session"));
}

#[tokio::test]
async fn nobody_speaks_as_somebody_else() {
    let mut scene = scene(RelayConfig::default()).await;
    let server = &scene.server;
    let mut bob = server.join("s", "Bob", &["Alice", "Mallory"]).await;
    let mut alice = server.join("s", "Alice", &["Bob"]).await;
    let mut mallory = server.join("s", "Mallory", &["Bob", "Alice"]).await;
    // The number is whom it goes to; whom it comes from is not to be chosen.
    mallory.send(&data(1, 1, "I am Alice")).await;
    assert_eq!(bob.frame().await, data(2, 1, "I am Alice"));
    // Alice does not speak with Mallory at all.
    mallory.send(&data(2, 1, "I am Bob")).await;
    mallory.ended().await.is(Code::Forbidden);
    // A number that stands for nobody.
    for number in [3, u32::MAX] {
        let mut mallory = server
            .join(&number.to_string(), "Mallory", &["Bob", "Alice"])
            .await;
        mallory.send(&data(number, 1, "?")).await;
        mallory.ended().await.is(Code::Malformed);
    }
    // What only a relay says.
    for frame in [
        Frame::new(Kind::Fin, 1),
        Frame::new(Kind::GoAway, 0),
        Frame::new(Kind::Welcome, 0),
    ] {
        let mut mallory = server
            .join(&format!("{:?}", frame.kind), "Mallory", &["Bob"])
            .await;
        mallory.send(&frame).await;
        mallory.ended().await.is(Code::Malformed);
    }
    alice.send(&data(1, 1, "I am")).await;
    assert_eq!(bob.frame().await, data(1, 1, "I am"));
    scene.others_go_on().await;
}

#[tokio::test]
async fn an_older_epoch_is_refused() {
    let mut scene = scene(RelayConfig::default()).await;
    let mut who = hello("s", "Alice", &["Bob"]);
    who.epoch = 5;
    let mut newest = scene.server.dial().await;
    newest.hello(&who).await;
    newest.welcome().await;
    for epoch in [5, 4, 0] {
        who.epoch = epoch;
        let mut older = scene.server.dial().await;
        older.hello(&who).await;
        older.ended().await.is(Code::Superseded);
    }
    newest.send(&Frame::new(Kind::Ping, 0)).await;
    assert_eq!(newest.frame().await.kind, Kind::Pong);
    scene.others_go_on().await;
}

#[tokio::test]
async fn a_declared_length_of_two_to_the_63_is_refused() {
    let header = [VERSION << 4 | Kind::Data as u8, 0, 1, 1, 0, 0];
    let length = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
    let bytes = [&header[..], &length, b"payload"].concat();
    assert_eq!(answers(bytes).await, [4413, 4413]);
}

#[tokio::test]
async fn a_websocket_message_that_declares_two_to_the_63_bytes_is_refused() {
    let mut scene = scene(RelayConfig::default()).await;
    for mut client in [mallory(&scene).await, scene.server.dial().await] {
        let length = (1_u64 << 63).to_be_bytes();
        let header = [&[0x82, 0xff][..], &length, &[0; 4]].concat();
        client.socket.get_mut().write_all(&header).await.unwrap();
        assert_eq!(client.ended().await.close, Some(Code::TooLarge.number()));
    }
    scene.others_go_on().await;
}

#[tokio::test]
async fn a_frame_above_the_limit_is_refused() {
    let limit = Limits::default().frame as usize;
    let mut scene = scene(RelayConfig::default()).await;
    let mut eve = scene.server.join("noisy", "Eve", &["Mallory"]).await;
    let mut mallory = mallory(&scene).await;
    mallory.send(&data(1, 1, vec![0; limit])).await;
    assert_eq!(eve.frame().await.payload.len(), limit);
    mallory.send(&data(1, 2, vec![0; limit + 1])).await;
    mallory.ended().await.is(Code::TooLarge);
    // Above what a WebSocket message may have.
    let mut mallory = scene.server.join("t", "Mallory", &["Eve"]).await;
    mallory.send(&data(1, 1, vec![0; 4 * limit])).await;
    assert_eq!(mallory.ended().await.close, Some(Code::TooLarge.number()));
    scene.others_go_on().await;
}

#[tokio::test]
async fn a_hello_above_4_kib_is_refused() {
    let mut scene = scene(RelayConfig::default()).await;
    let mut big = hello("s", "Alice", &["Bob"]);
    big.token = Some("x".repeat(4_000));
    let mut client = scene.server.dial().await;
    client.hello(&big).await;
    client.welcome().await;
    big.token = Some("x".repeat(4_096));
    big.epoch += 1;
    let mut client = scene.server.dial().await;
    client.hello(&big).await;
    client.ended().await.is(Code::TooLarge);
    scene.others_go_on().await;
}

#[tokio::test]
async fn endless_fragments_of_a_websocket_message_are_refused() {
    let mut scene = scene(RelayConfig::default()).await;
    for mut client in [mallory(&scene).await, scene.server.dial().await] {
        let fragment = |code| {
            let payload = Bytes::from_static(&[0; 1024]);
            Message::Frame(Fragment::message(payload, OpCode::Data(code), false))
        };
        let mut sent = 0;
        let mut send = client.socket.send(fragment(Data::Binary)).await;
        while send.is_ok() && sent < 64 << 20 {
            sent += 1024;
            send = client.socket.send(fragment(Data::Continue)).await;
        }
        assert!(send.is_err(), "the relay takes no more");
        assert_eq!(client.ended().await.close, Some(Code::TooLarge.number()));
    }
    scene.others_go_on().await;
}

#[tokio::test]
async fn endless_parts_of_a_message_fill_no_memory_and_end_the_session_only() {
    let mut scene = scene(RelayConfig::default()).await;
    let connector = WebSocketConnector::new(scene.server.url()).unwrap();
    let config = SessionConfig::new("noisy", "Eve", ["Mallory"]);
    let eve = Session::join(connector, config).await.unwrap();
    let mut mallory = mallory(&scene).await;
    mallory.send(&ask(1)).await;
    let mut part = data(1, 0, vec![0; 32 * 1024]);
    part.flags = Flags::MORE;
    part.ack = 1;
    let refused = loop {
        part.seq += 1;
        mallory.send(&part).await;
        // Eve's end says that it is too long.
        match timeout(Duration::from_millis(2), mallory.next()).await {
            Ok(Err(ended)) => break ended,
            _ => assert!(part.seq < 1_000, "{:?}", eve.status()),
        }
    };
    assert_eq!(
        refused.abort,
        Some(Code::TooLarge.number().into()),
        "{refused:?}"
    );
    scene.others_go_on().await;
}

#[tokio::test]
async fn names_with_line_ends_and_terminal_codes_are_refused() {
    let mut scene = scene(RelayConfig::default()).await;
    let long = "x".repeat(65);
    for bad in [
        "",
        "a\r\nset-cookie: b",
        "\u{1b}[2J",
        "a\0b",
        "\u{9b}31m",
        &long,
    ] {
        for hello in [
            hello(bad, "Alice", &["Bob"]),
            hello("s", bad, &["Bob"]),
            hello("s", "Alice", &[bad]),
        ] {
            let mut client = scene.server.dial().await;
            client.hello(&hello).await;
            let ended = client.ended().await;
            let reason = ended.is(Code::Malformed);
            assert!(!reason.chars().any(char::is_control), "{reason:?}");
        }
    }
    assert_eq!(scene.server.metric("choreo_relay_sessions ").await, 1.0);
    scene.others_go_on().await;
}

#[tokio::test]
async fn a_text_message_is_refused() {
    let mut scene = scene(RelayConfig::default()).await;
    for mut client in [mallory(&scene).await, scene.server.dial().await] {
        client.message(Message::text("hello")).await;
        assert_eq!(client.ended().await.close, Some(Code::Malformed.number()));
    }
    scene.others_go_on().await;
}

#[tokio::test]
async fn garbage_is_refused() {
    assert_eq!(answers(&[0xff; 100][..]).await, [4426, 4426]);
    assert_eq!(answers(&[0x1f; 100][..]).await, [4400, 4400]);
    assert_eq!(
        answers(&[VERSION << 4 | Kind::Data as u8][..]).await,
        [4400, 4400]
    );
    // Whole frames that are not due.
    assert_eq!(answers(data(0, 1, "x").to_bytes()).await, [4400, 4400]);
    let mut hello = hello_frame(&hello("s", "Alice", &["Bob"]));
    hello.payload = hello.payload.slice(..10);
    assert_eq!(answers(hello.to_bytes()).await, [4400, 4400]);
    // Frames of any bytes: any answer but silence will do.
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..20 {
        let mut bytes = BytesMut::new();
        bytes.put_u8(VERSION << 4 | random.u8(..));
        (0..random.usize(0..60)).for_each(|_| bytes.put_u8(random.u8(..)));
        let server = Server::start(Anyone, RelayConfig::default()).await;
        let mut client = server.dial().await;
        client.bytes(bytes.freeze()).await;
        assert!(client.ended().await.abort.is_some());
    }
}

#[tokio::test]
async fn a_second_hello_is_refused() {
    let hello = hello("s", "Alice", &["Bob"]);
    let mut scene = scene(RelayConfig::default()).await;
    let mut client = scene.server.dial().await;
    client.hello(&hello).await;
    client.welcome().await;
    client.hello(&hello).await;
    client.ended().await.is(Code::Malformed);
    // Nor both at once.
    let mut client = scene.server.dial().await;
    client
        .send_all(&[hello_frame(&hello), hello_frame(&hello)])
        .await;
    client.ended().await.is(Code::Malformed);
    scene.others_go_on().await;
}

#[tokio::test]
async fn a_wrong_proof_is_refused_and_the_role_stays() {
    let mut scene = scene(RelayConfig::default()).await;
    let mut who = hello("s", "Alice", &["Bob"]);
    let mut alice = scene.server.dial().await;
    alice.hello(&who).await;
    alice.welcome().await;
    who.token = None;
    who.epoch += 1;
    let proof = postcard::to_allocvec(&Proof { mac: [7; 32] }).unwrap();
    let proof = Frame::new(Kind::Proof, 0).with_payload(proof);
    let mut client = scene.server.dial().await;
    client.hello(&who).await;
    assert_eq!(client.frame().await.kind, Kind::Challenge);
    client.send(&proof).await;
    client.ended().await.is(Code::Expired);
    // Anything else than a proof.
    let mut client = scene.server.dial().await;
    client.hello(&who).await;
    client.hello(&who).await;
    client.ended().await.is(Code::Malformed);
    alice.send(&Frame::new(Kind::Ping, 0)).await;
    assert_eq!(alice.frame().await.kind, Kind::Pong);
    scene.others_go_on().await;
}

#[tokio::test]
async fn who_says_nothing_is_refused_in_time() {
    let config = RelayConfig::default().with_greeting_time(Duration::from_millis(200));
    let mut scene = scene(config).await;
    let mut silent = scene.server.dial().await;
    silent.ended().await.is(Code::Timeout);
    // A HELLO that comes in pieces is none.
    let mut slow = scene.server.dial().await;
    let bytes = hello_frame(&hello("s", "Alice", &["Bob"])).to_bytes();
    let begun = Instant::now();
    let part = Fragment::message(bytes.slice(..9), OpCode::Data(Data::Binary), false);
    slow.message(Message::Frame(part)).await;
    slow.ended().await.is(Code::Timeout);
    assert!(begun.elapsed() < LONG);
    scene.others_go_on().await;
}

#[tokio::test]
async fn quotas_hold() {
    let terms = Terms {
        sessions: 2,
        roles: 3,
        ..Terms::default()
    };
    let config = RelayConfig::default()
        .with_terms(terms)
        .with_connections(10);
    let mut scene = scene(config).await;
    let try_join = async |server: &Server, session: &str, role: &str, peers: &[&str]| {
        let mut client = server.dial().await;
        client.hello(&hello(session, role, peers)).await;
        client
    };
    let server = &scene.server;
    let _second = server.join("s", "Alice", &["Bob"]).await;
    try_join(server, "t", "Alice", &["Bob"])
        .await
        .ended()
        .await
        .is(Code::Quota);
    try_join(server, "s", "Bob", &["A", "C", "D"])
        .await
        .ended()
        .await
        .is(Code::Quota);
    let _third = server.join("s", "Bob", &["Alice"]).await;
    let _fourth = server.join("s", "Carol", &["Alice"]).await;
    try_join(server, "s", "Dave", &["Alice"])
        .await
        .ended()
        .await
        .is(Code::Quota);
    let _fifth = server.join("quiet", "Carol", &["Alice"]).await;
    let mut more = Vec::new();
    while let Ok(stream) = TcpStream::connect(server.address).await
        && let Ok(client) = Client::over(stream, server.address, &[]).await
    {
        more.push(client);
        assert!(more.len() <= 4, "six of ten are there");
    }
    scene.others_go_on().await;
}

#[tokio::test]
async fn an_unauthorized_abort_ends_nothing() {
    let mut scene = scene(RelayConfig::default()).await;
    let mut client = scene.server.dial().await;
    client
        .send(&Abort::new(Code::Expired, "over").to_frame(0))
        .await;
    client.ended().await.is(Code::Malformed);
    scene.others_go_on().await;
}

//! The same as in `security.rs`, of roles over HTTP, and what HTTP adds to it: pages, bodies, requests
//! that servers in a row would read differently.
#![cfg(feature = "tokens")]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use choreo_core::Transport;
use choreo_relay::{Claims, KeyFile, RelayConfig};
use choreo_session::wire::{Code, Frame, Hello, Kind};
use choreo_session::{Anyone, Limits};
use choreo_transport_fetch::{FetchConnector, FetchTransport};
use common::{LONG, Scene, Server, Speaks, data, hello, hello_frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

const ID: &str = "0123456789abcdef0123456789abcdef";
const PAGE: &str = "https://game.example";

async fn scene(config: RelayConfig) -> Scene<Caller> {
    let server = Server::start(Anyone, config).await;
    let alice = Caller::join(&server, "quiet", "Alice", &["Bob"]).await;
    Scene::of(server, alice).await
}

/// A bare client over HTTP, which speaks frames.
struct Caller {
    transport: FetchTransport,
    rest: Bytes,
}

impl Caller {
    async fn dial(server: &Server) -> Self {
        let connector = FetchConnector::new(server.http_url()).unwrap();
        Self {
            transport: connector.open().await.unwrap(),
            rest: Bytes::new(),
        }
    }

    async fn greet(server: &Server, hello: &Hello) -> Self {
        let mut caller = Self::dial(server).await;
        caller.send(&hello_frame(hello)).await;
        caller
    }

    async fn join(server: &Server, session: &str, role: &str, peers: &[&str]) -> Self {
        let mut caller = Self::greet(server, &hello(session, role, peers)).await;
        assert_eq!(caller.frame().await.kind, Kind::Welcome);
        caller
    }

    /// The next frame; `None` when the relay has closed.
    async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = Frame::decode(&mut self.rest, 1 << 20).unwrap() {
                return Some(frame);
            }
            let received = timeout(LONG, self.transport.recv()).await;
            self.rest = received.expect("something comes in time").ok()??;
        }
    }

    /// It is refused with that code, in words.
    async fn refused(&mut self, code: Code) -> String {
        let frame = self.frame().await;
        assert_eq!(frame.kind, Kind::Abort, "{:?}", frame.payload);
        assert_eq!(frame.seq, u64::from(code.number()));
        assert_eq!(self.next().await, None, "nothing comes after an ABORT");
        String::from_utf8(frame.payload.to_vec()).unwrap()
    }
}

impl Speaks for Caller {
    async fn send(&mut self, frame: &Frame) {
        // The relay may have closed already; what it says is what counts.
        let _ = self.transport.send(frame.to_bytes()).await;
    }

    async fn frame(&mut self) -> Frame {
        self.next().await.expect("it goes on")
    }
}

/// All that a server says to these bytes.
async fn say(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_ref()).await.unwrap();
    let mut said = Vec::new();
    // One that goes on has said all that it will.
    let _ = timeout(Duration::from_millis(300), stream.read_to_end(&mut said)).await;
    String::from_utf8_lossy(&said).to_lowercase()
}

/// A request that opens a connection, with these headers besides.
fn open(headers: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nhost: relay\r\nchoreo-v1: open {ID}\r\ncontent-length: 0\r\n\
         content-type: application/octet-stream\r\n{headers}\r\n"
    )
}

/// A request that brings a body, with these headers besides.
fn bring(headers: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nhost: relay\r\nchoreo-v1: send {ID} 0 0\r\n\
         content-type: application/octet-stream\r\n{headers}\r\n"
    )
}

#[track_caller]
fn assert_status(said: &str, status: u16) {
    let begins = said.starts_with(&format!("http/1.1 {status} "));
    assert!(begins, "{status}: {said:?}");
}

#[tokio::test]
async fn a_foreign_or_null_origin_is_refused() {
    let config = RelayConfig::default().with_origins([PAGE]);
    let mut scene = scene(config).await;
    let address = scene.server.address;
    for origin in [
        "https://evil.example",
        "null",
        "https://game.example.evil.example",
        "http://game.example",
        "https://game.example:444",
        "",
        "https://game.example\r\norigin: https://game.example",
    ] {
        let said = say(address, open(&format!("origin: {origin}\r\n"))).await;
        assert_status(&said, 403);
        assert!(!said.contains("access-control-allow-origin"), "{said}");
    }
    let said = say(address, open(&format!("origin: {PAGE}\r\n"))).await;
    assert_status(&said, 204);
    for allowed in [
        &format!("access-control-allow-origin: {PAGE}\r\n"),
        "access-control-expose-headers: choreo-v1,retry-after\r\n",
    ] {
        assert!(said.contains(allowed), "{allowed}: {said}");
    }
    assert!(!said.contains("access-control-allow-credentials"), "{said}");
    // A program that is no browser.
    let said = say(address, open("")).await;
    assert_status(&said, 204);
    scene.others_go_on().await;
}

#[tokio::test]
async fn a_preflight_allows_what_is_needed_to_pages_that_may() {
    let server = Server::start(Anyone, RelayConfig::default().with_origins([PAGE])).await;
    let preflight = |origin: &str| {
        format!(
            "OPTIONS / HTTP/1.1\r\nhost: relay\r\norigin: {origin}\r\n\
             access-control-request-method: POST\r\n\
             access-control-request-headers: choreo-v1,content-type\r\n\r\n"
        )
    };
    let said = say(server.address, preflight(PAGE)).await;
    assert_status(&said, 200);
    for allowed in [
        &format!("access-control-allow-origin: {PAGE}\r\n"),
        "access-control-allow-methods: get,post\r\n",
        "access-control-allow-headers: choreo-v1,content-type",
        "access-control-max-age: 7200\r\n",
    ] {
        assert!(said.contains(allowed), "{allowed}: {said}");
    }
    assert!(!said.contains("access-control-allow-credentials"), "{said}");
    for foreign in ["https://evil.example", "null"] {
        let said = say(server.address, preflight(foreign)).await;
        assert_status(&said, 403);
        assert!(!said.contains("access-control-allow"), "{said}");
    }
}

#[tokio::test]
async fn tokens_are_asked_for_over_http_too() {
    let keys = KeyFile::generate().unwrap();
    let config = RelayConfig::default().with_master(keys.master());
    let server = Server::start(keys.tokens(), config).await;
    let token = |keys: &KeyFile, role: &str, good_for| {
        keys.token(&Claims::new("s", role), good_for).unwrap()
    };
    let join = async |token: &str| {
        let mut alice = hello("s", "Alice", &["Bob"]);
        alice.token = Some(token.to_owned());
        Caller::greet(&server, &alice).await
    };
    let foreign = token(&KeyFile::generate().unwrap(), "Alice", LONG);
    for wrong in ["", "token", &foreign] {
        join(wrong).await.refused(Code::Unauthorized).await;
    }
    let short = token(&keys, "Alice", Duration::from_millis(1));
    sleep(Duration::from_millis(10)).await;
    let why = join(&short).await.refused(Code::Unauthorized).await;
    assert!(why.contains("expired"), "{why}");
    let bobs = token(&keys, "Bob", LONG);
    let why = join(&bobs).await.refused(Code::Forbidden).await;
    assert!(why.contains("another role"), "{why}");
    let good = token(&keys, "Alice", LONG);
    let mut alice = join(&good).await;
    assert_eq!(alice.frame().await.kind, Kind::Welcome);
    let why = join(&good).await.refused(Code::Unauthorized).await;
    assert!(why.contains("used"), "{why}");
}

#[tokio::test]
async fn nobody_speaks_as_somebody_else() {
    let mut scene = scene(RelayConfig::default()).await;
    let server = &scene.server;
    let mut bob = server.join("s", "Bob", &["Alice", "Mallory"]).await;
    let _alice = server.join("s", "Alice", &["Bob"]).await;
    let mut mallory = Caller::join(server, "s", "Mallory", &["Bob", "Alice"]).await;
    mallory.send(&data(1, 1, "I am Alice")).await;
    assert_eq!(bob.frame().await, data(2, 1, "I am Alice"));
    mallory.send(&data(2, 1, "I am Bob")).await;
    mallory.refused(Code::Forbidden).await;
    scene.others_go_on().await;
}

#[tokio::test]
async fn an_older_epoch_is_refused() {
    let mut scene = scene(RelayConfig::default()).await;
    let mut who = hello("s", "Alice", &["Bob"]);
    who.epoch = 5;
    let mut newest = Caller::greet(&scene.server, &who).await;
    assert_eq!(newest.frame().await.kind, Kind::Welcome);
    for epoch in [5, 4, 0] {
        who.epoch = epoch;
        let mut older = Caller::greet(&scene.server, &who).await;
        older.refused(Code::Superseded).await;
    }
    newest.send(&Frame::new(Kind::Ping, 0)).await;
    assert_eq!(newest.frame().await.kind, Kind::Pong);
    scene.others_go_on().await;
}

#[tokio::test]
async fn a_frame_above_the_limit_is_refused() {
    let mut scene = scene(RelayConfig::default()).await;
    let limit = Limits::default().frame as usize;
    let mut mallory = Caller::join(&scene.server, "noisy", "Mallory", &["Eve"]).await;
    let mut eve = scene.server.join("noisy", "Eve", &["Mallory"]).await;
    mallory.send(&data(1, 1, vec![0; limit])).await;
    assert_eq!(eve.frame().await.payload.len(), limit);
    mallory.send(&data(1, 2, vec![0; limit + 1])).await;
    mallory.refused(Code::TooLarge).await;
    scene.others_go_on().await;
}

#[tokio::test]
async fn names_with_line_ends_and_terminal_codes_are_refused() {
    let mut scene = scene(RelayConfig::default()).await;
    for bad in ["", "a\r\nset-cookie: b", "\u{1b}[2J", "a\0b"] {
        let mut caller = Caller::greet(&scene.server, &hello(bad, "Alice", &["Bob"])).await;
        let why = caller.refused(Code::Malformed).await;
        assert!(!why.chars().any(char::is_control), "{why:?}");
    }
    scene.others_go_on().await;
}

#[tokio::test]
async fn bodies_have_limits_and_one_kind() {
    let mut scene = scene(RelayConfig::default()).await;
    let address = scene.server.address;
    assert_status(&say(address, open("")).await, 204);
    // The length alone is enough.
    let said = say(address, bring("content-length: 9223372036854775808\r\n")).await;
    assert_status(&said, 413);
    let said = say(address, bring("content-length: 1000000\r\n")).await;
    assert_status(&said, 413);
    // Encoded, and of another kind.
    let said = say(
        address,
        bring("content-length: 0\r\ncontent-encoding: gzip\r\n"),
    )
    .await;
    assert_status(&said, 415);
    for kind in ["text/plain", "multipart/form-data", "application/json"] {
        let ours = "content-type: application/octet-stream\r\n";
        let other = format!("content-type: {kind}\r\n");
        let said = say(
            address,
            bring("content-length: 0\r\n").replace(ours, &other),
        )
        .await;
        assert_status(&said, 415);
    }
    // A frame that declares four gigabytes, nearly.
    let mut request = bring("content-length: 8\r\n").into_bytes();
    request.extend_from_slice(&[0xff, 0xff, 0xff, 0xf0, 1, 2, 3, 4]);
    assert_status(&say(address, request).await, 413);
    // That connection is over for it.
    let said = say(address, bring("content-length: 0\r\n")).await;
    assert_status(&said, 404);
    scene.others_go_on().await;
}

#[tokio::test]
async fn a_connection_that_is_guessed_is_not_there() {
    let mut scene = scene(RelayConfig::default()).await;
    for ask in ["send", "stream", "poll"] {
        let method = if ask == "send" { "POST" } else { "GET" };
        let request = format!(
            "{method} / HTTP/1.1\r\nhost: relay\r\nchoreo-v1: {ask} {ID} 0 0\r\n\
             content-type: application/octet-stream\r\ncontent-length: 0\r\n\r\n"
        );
        assert_status(&say(scene.server.address, request).await, 404);
    }
    scene.others_go_on().await;
}

/// Requests of which one server would see one, and another two.
#[tokio::test]
async fn requests_that_can_be_read_in_two_ways_are_refused() {
    let mut scene = scene(RelayConfig::default()).await;
    let address = scene.server.address;
    assert_status(&say(address, open("")).await, 204);
    let smuggled = "GET /healthz HTTP/1.1\r\nhost: relay\r\n\r\n";
    for headers in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "content-length: 5\r\ncontent-length: 55\r\n",
        "content-length: 5, 55\r\n",
        "content-length: +5\r\n",
        "content-length: 0x5\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: \x0bchunked\r\n",
        "transfer-encoding : chunked\r\n",
        "content-length: 5\r\n folded: 1\r\n",
        "content-length\r\n",
    ] {
        let said = say(address, format!("{}0\r\n\r\n{smuggled}", bring(headers))).await;
        let refused = said.starts_with("http/1.1 4");
        assert!(refused, "{headers:?}: {said:?}");
        assert_eq!(
            said.matches("http/1.1 ").count(),
            1,
            "{headers:?}: {said:?}"
        );
        assert!(!said.contains("\r\n\r\nok\n"), "{headers:?}: {said:?}");
    }
    scene.others_go_on().await;
}

#[tokio::test]
async fn heads_have_a_limit() {
    let mut scene = scene(RelayConfig::default()).await;
    let address = scene.server.address;
    let large = format!("x-large: {}\r\n", "x".repeat(64 * 1024));
    assert_status(&say(address, open(&large)).await, 431);
    let many: String = (0..2_000).map(|n| format!("x-{n}: 1\r\n")).collect();
    assert_status(&say(address, open(&many)).await, 431);
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(64 * 1024));
    let said = say(address, long).await;
    assert!(said.starts_with("http/1.1 4"), "{said}");
    scene.others_go_on().await;
}

#[tokio::test]
async fn slow_heads_and_slow_bodies_are_cut_off() {
    let config = RelayConfig::default().with_greeting_time(Duration::from_millis(300));
    let mut scene = scene(config).await;
    let body = bring("content-length: 100\r\n");
    assert_status(&say(scene.server.address, open("")).await, 204);
    for begun in ["POST / HT", &open("")[..60], &format!("{body}abc")] {
        let mut stream = TcpStream::connect(scene.server.address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        let since = Instant::now();
        let mut said = Vec::new();
        let read = timeout(LONG, stream.read_to_end(&mut said)).await;
        let _ = read.expect("it is cut off");
        assert!(since.elapsed() < LONG / 2, "{begun:?}");
    }
    scene.others_go_on().await;
}

#[tokio::test]
async fn two_thousand_who_never_finish_a_request_disturb_nobody() {
    let config = RelayConfig::default()
        .with_newcomers(4_096, 4_096)
        .with_greeting_time(Duration::from_secs(2));
    let mut scene = scene(config).await;
    let mut unfinished = Vec::new();
    for _ in 0..2_000 {
        let mut stream = TcpStream::connect(scene.server.address).await.unwrap();
        let _ = stream.write_all(b"POST / HTTP/1.1\r\nhost:").await;
        unfinished.push(stream);
    }
    scene.others_go_on().await;
    let all_are_gone = async {
        while scene.server.metric("choreo_relay_connections ").await > 10.0 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(LONG, all_are_gone).await.expect("they are cut off");
    scene.others_go_on().await;
}

#[tokio::test]
async fn who_never_reads_is_cut_off() {
    let config = RelayConfig::default()
        .with_queue_bytes(256 * 1024, 64 << 20)
        .with_stall(Duration::from_millis(500));
    let mut scene = scene(config).await;
    let mut deaf = Caller::join(&scene.server, "noisy", "Deaf", &["Loud"]).await;
    let mut loud = scene.server.join("noisy", "Loud", &["Deaf"]).await;
    // What it gets fills the relay's queue, the connection, and then nothing more.
    let flood = async {
        for seq in 1.. {
            loud.send(&data(1, seq, vec![0; 16 * 1024])).await;
            if scene
                .server
                .metric(r#"choreo_relay_closed_total{code="4429"}"#)
                .await
                > 0.0
            {
                break;
            }
        }
    };
    timeout(LONG, flood).await.expect("it is cut off");
    scene.others_go_on().await;
    // The one that it did not read is gone, or says why.
    while let Some(frame) = deaf.next().await {
        assert!(matches!(frame.kind, Kind::Data | Kind::Ping | Kind::Abort));
    }
}

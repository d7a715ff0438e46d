//! The server against clients that misbehave, by requests as no connector makes them: each a clear status,
//! and the connection's other requests behave, unless the client has broken a rule of the connection itself.
#![cfg(not(target_arch = "wasm32"))]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use choreo_core::queue::Queue;
use choreo_core::{Bytes, ErrorKind, Transport};
use choreo_transport_fetch::{FetchAcceptor, FetchTransport, Limits};
use futures::{FutureExt, StreamExt};
use proptest::prelude::*;
use tokio::time::timeout;

/// All is over long before.
const LONG: Duration = Duration::from_secs(15);
const ID: &str = "0123456789abcdef0123456789abcdef";
/// The record that shows that bytes come through.
const FILLER: [u8; 4] = (u32::MAX - 1).to_be_bytes();
/// The record that ends a direction.
const END: [u8; 4] = u32::MAX.to_be_bytes();

/// A server, and what it accepts.
struct Server {
    acceptor: FetchAcceptor,
    accepted: Arc<Queue<FetchTransport>>,
}

/// What a request was answered.
struct Answer {
    status: StatusCode,
    head: Option<String>,
    body: BodyDataStream,
}

impl Server {
    fn new() -> Self {
        Self::with(FetchAcceptor::new())
    }

    fn with(acceptor: FetchAcceptor) -> Self {
        let accepted = Arc::new(Queue::new(64));
        Self { acceptor, accepted }
    }

    /// One with a connection.
    async fn open() -> (Self, FetchTransport) {
        let server = Self::new();
        let transport = server.open_as(ID).await;
        (server, transport)
    }

    async fn open_as(&self, id: &str) -> FetchTransport {
        let opened = self.post(&format!("open {id}"), b"").await;
        assert_eq!(opened.status, StatusCode::NO_CONTENT);
        self.accepted.recv().await.unwrap()
    }

    async fn request(&self, request: Request) -> Answer {
        let accepted = self.accepted.clone();
        let serve = async move |transport| {
            let _ = accepted.send(transport).await;
        };
        let answer = timeout(LONG, self.acceptor.answer(request, serve)).await;
        Answer::from(answer.expect("it answers"))
    }

    async fn post(&self, head: &str, body: &[u8]) -> Answer {
        let body = Body::from(body.to_vec());
        self.request(post(head).body(body).unwrap()).await
    }

    async fn send(&self, first: u64, next: u64, body: &[u8]) -> Answer {
        self.post(&format!("send {ID} {first} {next}"), body).await
    }

    /// As `send`, without a limit in time: it is held back for long.
    async fn held(&self, first: u64, body: &[u8]) -> Answer {
        let body = Body::from(body.to_vec());
        let request = post(&format!("send {ID} {first} 0")).body(body).unwrap();
        let nobody = async |_: FetchTransport| {};
        Answer::from(self.acceptor.answer(request, nobody).await)
    }

    async fn get(&self, ask: &str, turn: u64, next: u64) -> Answer {
        let head = format!("{ask} {ID} {turn} {next}");
        let request = Request::builder().header("choreo-v1", head);
        self.request(request.body(Body::empty()).unwrap()).await
    }

    /// Whether what is sent either way from here on arrives.
    async fn behaves(&self, transport: &FetchTransport, first: u64, turn: u64, next: u64) {
        let taken = self.send(first, next, &frame(b"well")).await;
        assert!(taken.status.is_success(), "{}", taken.status);
        assert_eq!(
            transport.recv().await.unwrap(),
            Some(Bytes::from_static(b"well"))
        );
        transport.send(Bytes::from_static(b"too")).await.unwrap();
        let mut down = self.get("poll", turn, next).await;
        assert_eq!(down.status, StatusCode::OK);
        assert_eq!(down.next().await, Some(frame(b"too")));
    }
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let head = response.headers().get("choreo-v1");
        Self {
            status: response.status(),
            head: head.map(|head| head.to_str().unwrap().to_owned()),
            body: response.into_body().into_data_stream(),
        }
    }
}

impl Answer {
    /// The next piece of its body.
    async fn next(&mut self) -> Option<Vec<u8>> {
        let piece = timeout(LONG, self.body.next()).await.expect("it comes");
        piece.map(|piece| piece.unwrap().to_vec())
    }

    async fn text(mut self) -> String {
        let mut text = Vec::new();
        while let Some(piece) = self.next().await {
            text.extend(piece);
        }
        String::from_utf8(text).unwrap()
    }
}

fn post(head: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(Method::POST);
    let request = request.header(header::CONTENT_TYPE, "application/octet-stream");
    request.header("choreo-v1", head)
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut record = (bytes.len() as u32).to_be_bytes().to_vec();
    record.extend_from_slice(bytes);
    record
}

#[tokio::test]
async fn requests_without_sense_are_refused_and_nothing_else() {
    let (server, transport) = Server::open().await;
    let empty = || Body::empty();
    let twice = post(&format!("open {ID}")).header("choreo-v1", format!("open {ID}"));
    let none = Request::builder().method(Method::POST);
    for (request, status) in [
        (none.body(empty()), StatusCode::BAD_REQUEST),
        (twice.body(empty()), StatusCode::BAD_REQUEST),
        (post("").body(empty()), StatusCode::BAD_REQUEST),
        (post("open 0").body(empty()), StatusCode::BAD_REQUEST),
        (
            post(&format!("send {ID} 0")).body(empty()),
            StatusCode::BAD_REQUEST,
        ),
        (
            post(&format!("send {ID} 0 -1")).body(empty()),
            StatusCode::BAD_REQUEST,
        ),
        (
            post(&format!("stream {ID} 1 0")).body(empty()),
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (
            post(&format!("send {ID} 0 0"))
                .method(Method::GET)
                .body(empty()),
            StatusCode::METHOD_NOT_ALLOWED,
        ),
        (
            post(&format!("send {ID} 0 0"))
                .method(Method::PUT)
                .body(empty()),
            StatusCode::METHOD_NOT_ALLOWED,
        ),
    ] {
        let answer = server.request(request.unwrap()).await;
        assert_eq!(answer.status, status);
        // Whatever stands between may have done it: it is no word about the connection.
        assert_eq!(answer.head, None);
        assert!(!answer.text().await.is_empty());
    }
    server.behaves(&transport, 0, 1, 0).await;
}

#[tokio::test]
async fn bodies_are_bytes_as_they_are() {
    let (server, transport) = Server::open().await;
    let head = format!("send {ID} 0 0");
    let plain = Request::builder()
        .method(Method::POST)
        .header("choreo-v1", &head);
    let body = || Body::from(frame(b"x"));
    for request in [
        plain.body(body()),
        post(&head)
            .header(header::CONTENT_ENCODING, "gzip")
            .body(body()),
        post(&head)
            .header(header::CONTENT_ENCODING, "identity")
            .body(body()),
        Request::builder()
            .method(Method::POST)
            .header("choreo-v1", &head)
            .header(header::CONTENT_TYPE, "text/plain")
            .body(body()),
    ] {
        let answer = server.request(request.unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    server.behaves(&transport, 0, 1, 0).await;
}

#[tokio::test]
async fn who_does_not_know_the_name_finds_nothing() {
    let (server, transport) = Server::open().await;
    let other = ID.replace('0', "1");
    for head in [
        format!("send {other} 0 0"),
        format!("send {} 0 0", "f".repeat(32)),
    ] {
        let answer = server.post(&head, &frame(b"x")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_eq!(answer.head.as_deref(), Some("0"));
    }
    for ask in ["stream", "poll"] {
        let request = Request::builder().header("choreo-v1", format!("{ask} {other} 1 0"));
        let answer = server.request(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    server.behaves(&transport, 0, 1, 0).await;
}

#[tokio::test]
async fn an_opening_may_be_repeated_and_opens_once() {
    let (server, transport) = Server::open().await;
    server.send(0, 0, &frame(b"x")).await;
    for _ in 0..3 {
        let again = server.post(&format!("open {ID}"), b"not looked at").await;
        assert_eq!(again.status, StatusCode::NO_CONTENT);
    }
    assert!(server.accepted.recv().now_or_never().is_none());
    assert_eq!(
        transport.recv().await.unwrap(),
        Some(Bytes::from_static(b"x"))
    );
    server.behaves(&transport, 1, 1, 0).await;
}

#[tokio::test]
async fn there_are_no_more_connections_than_there_may_be() {
    let server = Server::with(FetchAcceptor::new().connections(2));
    let ids: Vec<String> = (0..3).map(|number| format!("{number:032x}")).collect();
    let first = server.open_as(&ids[0]).await;
    let _second = server.open_as(&ids[1]).await;
    let third = server.post(&format!("open {}", ids[2]), b"").await;
    assert_eq!(third.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(third.text().await.contains("too many"));

    // A client that closes makes room.
    drop(first);
    let closed = server.post(&format!("send {} 0 1", ids[0]), &END).await;
    assert!(closed.status.is_success());
    let room = timeout(LONG, async {
        while server.post(&format!("open {}", ids[2]), b"").await.status != StatusCode::NO_CONTENT {
            tokio::task::yield_now().await;
        }
    });
    room.await.expect("there is room");
}

/// Each breaks the connection, and is told to both.
#[tokio::test]
async fn numbers_that_cannot_be_end_the_connection() {
    let above = (Limits::DEFAULT_MAX_FRAME as u32 + 1).to_be_bytes();
    let after_end = [&END[..], &frame(b"more")].concat();
    for (first, next, body, status, why) in [
        (
            1,
            0,
            frame(b"gap"),
            StatusCode::BAD_REQUEST,
            "frame 1 came where 0 was due",
        ),
        (
            u64::MAX,
            0,
            frame(b"gap"),
            StatusCode::BAD_REQUEST,
            "where 0 was due",
        ),
        (
            0,
            1,
            frame(b"x"),
            StatusCode::BAD_REQUEST,
            "it has 1 frames, of 0",
        ),
        (
            0,
            u64::MAX,
            Vec::new(),
            StatusCode::BAD_REQUEST,
            "frames, of 0",
        ),
        (
            0,
            0,
            after_end,
            StatusCode::BAD_REQUEST,
            "frame 1 came where 1 was due",
        ),
        (
            0,
            0,
            above.to_vec(),
            StatusCode::PAYLOAD_TOO_LARGE,
            "above the limit of 66560",
        ),
    ] {
        let (server, transport) = Server::open().await;
        let answer = server.send(first, next, &body).await;
        assert_eq!(answer.status, status, "{why}");
        let text = answer.text().await;
        assert!(text.contains(why), "{text}");
        match transport.recv().await {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Protocol);
                assert!(error.report().contains(why), "{error}");
            }
            // The end was before it.
            Ok(end) => assert!(end.is_none() && body.starts_with(&END)),
        }
        let gone = timeout(LONG, async {
            while server.send(0, 0, b"").await.status != StatusCode::NOT_FOUND {
                tokio::task::yield_now().await;
            }
        });
        gone.await.expect("it is gone");
    }
    for ask in ["stream", "poll"] {
        let (server, transport) = Server::open().await;
        let answer = server.get(ask, 1, 1).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let error = transport.recv().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
}

/// What is there wholly is taken, and the next request brings the rest.
#[tokio::test]
async fn a_body_that_is_cut_can_be_repeated() {
    let (server, transport) = Server::open().await;
    let body = [frame(b"one"), frame(b"two")].concat();
    for at in 0..body.len() {
        let answer = server.send(0, 0, &body[..at]).await;
        let cut = !matches!(at, 0 | 7);
        assert_eq!(answer.status == StatusCode::BAD_REQUEST, cut, "{at}");
    }
    // The connection of the system ends within it.
    let pieces = [Ok(body[..9].to_vec()), Err("reset")];
    let broken = Body::from_stream(futures::stream::iter(pieces));
    let request = post(&format!("send {ID} 0 0")).body(broken).unwrap();
    assert_eq!(
        server.request(request).await.status,
        StatusCode::BAD_REQUEST
    );

    let answer = server.send(0, 0, &body).await;
    assert_eq!(answer.head.as_deref(), Some("2"));
    for due in [&b"one"[..], b"two"] {
        assert_eq!(transport.recv().await.unwrap().unwrap(), due);
    }
    server.behaves(&transport, 2, 1, 0).await;
}

#[tokio::test]
async fn a_body_above_the_limit_is_not_gathered() {
    let (server, transport) = Server::open().await;
    let (taken, pieces) = (Arc::new(AtomicUsize::new(0)), Arc::default());
    let count = Arc::clone(&taken);
    let _: &Arc<()> = &pieces;
    let endless = futures::stream::repeat_with(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok::<_, std::convert::Infallible>(frame(&[0; 1020]))
    });
    let request = post(&format!("send {ID} 0 0")).body(Body::from_stream(endless));
    let answer = server.request(request.unwrap()).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let taken = taken.load(Ordering::Relaxed);
    assert!(taken < 80, "{taken} KiB");
    server.behaves(&transport, 0, 1, 0).await;
}

/// While nobody receives, the queue has its bound, and the request is held back rather than refused.
#[tokio::test(start_paused = true)]
async fn who_sends_more_than_is_received_is_held_back() {
    let limits = Limits::default().receive_queue(10_000);
    let server = Server::with(FetchAcceptor::new().limits(limits));
    let transport = server.open_as(ID).await;
    let body: Vec<u8> = (0..60).flat_map(|_| frame(&[7; 1000])).collect();
    let mut next = 0;
    for _ in 0..3 {
        let rest = &body[next * 1004..];
        let answer = server.held(next as u64, rest).await;
        let taken: usize = answer.head.unwrap().parse().unwrap();
        // 64 bytes more each.
        assert_eq!(taken, 9);
        next = taken;
    }
    let mut received = 0;
    let receive = async {
        while received < 60 {
            assert_eq!(transport.recv().await.unwrap().unwrap().len(), 1000);
            received += 1;
        }
    };
    let (answer, ()) = tokio::join!(server.send(9, 0, &body[9 * 1004..]), receive);
    assert_eq!(answer.head.as_deref(), Some("60"));
}

/// The client has given one up and repeats it, and both arrive.
#[tokio::test]
async fn a_request_and_its_repetition_at_once_bring_each_frame_once() {
    let limits = Limits::default().receive_queue(500);
    let server = Server::with(FetchAcceptor::new().limits(limits));
    let transport = server.open_as(ID).await;
    let body: Vec<u8> = (0..50_u8)
        .flat_map(|number| frame(&[number; 100]))
        .collect();
    let receive = async {
        for number in 0..50 {
            assert_eq!(transport.recv().await.unwrap().unwrap(), [number; 100][..]);
            tokio::task::yield_now().await;
        }
    };
    let (one, other, older, ()) = tokio::join!(
        server.send(0, 0, &body),
        server.send(0, 0, &body),
        server.send(0, 0, &body[..104 * 3]),
        receive
    );
    for answer in [one, other] {
        assert_eq!(answer.head.as_deref(), Some("50"));
    }
    assert!(older.status.is_success());
    assert!(transport.recv().now_or_never().is_none());
    server.behaves(&transport, 50, 1, 0).await;
}

#[tokio::test]
async fn a_newer_request_for_what_goes_down_supersedes_the_one_before() {
    for ask in ["stream", "poll"] {
        let (server, transport) = Server::open().await;
        let mut older = server.get("stream", 1, 0).await;
        assert_eq!(older.next().await, Some(FILLER.to_vec()));
        let newer = async {
            tokio::task::yield_now().await;
            server.get(ask, 2, 0).await
        };
        let told = async {
            // It has ended by itself, so what is sent goes by the newer.
            assert_eq!(older.next().await, None);
            transport.send(Bytes::from_static(b"new")).await.unwrap();
        };
        let (mut newer, ()) = tokio::join!(newer, told);
        if ask == "stream" {
            assert_eq!(newer.next().await, Some(FILLER.to_vec()));
        }
        assert_eq!(newer.next().await, Some(frame(b"new")));

        // One of before that is late.
        for late in ["stream", "poll"] {
            let late = server.get(late, 1, 0).await;
            assert_eq!(late.status, StatusCode::CONFLICT);
            assert_eq!(late.head.as_deref(), Some("0"));
        }
        server.behaves(&transport, 0, 3, 1).await;
    }
}

/// What was acknowledged is not there any more.
#[tokio::test]
async fn a_request_for_what_was_acknowledged_is_stale() {
    let (server, transport) = Server::open().await;
    transport.send(Bytes::from_static(b"one")).await.unwrap();
    assert_eq!(
        server.get("poll", 1, 0).await.next().await,
        Some(frame(b"one"))
    );
    assert!(server.send(0, 1, b"").await.status.is_success());
    let stale = server.get("poll", 2, 0).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    server.behaves(&transport, 0, 3, 1).await;
}

#[tokio::test]
async fn the_same_request_twice_gives_the_same() {
    let (server, transport) = Server::open().await;
    transport.send(Bytes::from_static(b"one")).await.unwrap();
    for _ in 0..3 {
        assert_eq!(
            server.get("poll", 1, 0).await.next().await,
            Some(frame(b"one"))
        );
    }
    server.behaves(&transport, 0, 2, 1).await;
}

/// A client that only opens, or that goes away, is not waited for.
#[tokio::test]
async fn who_makes_no_request_is_away() {
    let limits = Limits::default().away(Duration::from_millis(100));
    let server = Server::with(FetchAcceptor::new().limits(limits));
    let transport = server.open_as(ID).await;
    let stream = server.get("stream", 1, 0).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    transport
        .send(Bytes::from_static(b"x"))
        .await
        .expect("its stream is there");
    drop(stream);
    let error = timeout(LONG, transport.recv()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.report().contains("no request for 100ms"), "{error}");
    assert_eq!(server.send(0, 0, b"").await.status, StatusCode::NOT_FOUND);
}

/// Nor is one that does not close after the server has, whether it makes requests or not.
#[tokio::test]
async fn who_does_not_close_is_not_waited_for() {
    for asks in [false, true] {
        let limits = Limits::default().close_timeout(Duration::from_millis(100));
        let server = Server::with(FetchAcceptor::new().limits(limits));
        let transport = server.open_as(ID).await;
        let mut streams = Vec::new();
        if asks {
            streams.push(server.get("stream", 1, 0).await);
        }
        transport.close().await.unwrap();
        let error = timeout(LONG, transport.recv()).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(
            error.report().contains("has not closed it in time"),
            "{error}"
        );
        let gone = server.send(0, 0, b"").await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
    }
}

/// One that takes what goes down slowly, but does, is given the time.
#[tokio::test]
async fn who_closes_slowly_is_waited_for() {
    let limits = Limits::default().close_timeout(Duration::from_millis(300));
    let server = Server::with(FetchAcceptor::new().limits(limits));
    let transport = server.open_as(ID).await;
    for _ in 0..6 {
        transport.send(Bytes::from_static(b"x")).await.unwrap();
    }
    transport.close().await.unwrap();
    for next in 1..=6 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(server.send(0, next, b"").await.status.is_success());
    }
    assert!(server.send(0, 7, &END).await.status.is_success());
    assert_eq!(
        timeout(LONG, transport.recv()).await.unwrap().unwrap(),
        None
    );
}

/// A request of a client that has gone wrong: well-formed or not, in any order.
fn any_request() -> impl Strategy<Value = (bool, String, Vec<u8>)> {
    let number = || prop_oneof![0..4_u64, any::<u64>()];
    let word = prop_oneof!["open", "send", "stream", "poll", "[a-z]{0,5}"];
    let id = prop_oneof![Just(ID.to_owned()), "[0-9a-f]{32}", "[ -~]{0,33}"];
    let numbers = prop::collection::vec(number(), 0..3);
    let head = (word, id, numbers).prop_map(|(word, id, numbers)| {
        let numbers = numbers.iter().map(u64::to_string);
        let words: Vec<_> = [word, id].into_iter().chain(numbers).collect();
        words.join(" ")
    });
    let record = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| frame(&bytes)),
        (0..5_u32).prop_map(|special| (u32::MAX - special).to_be_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    let body = prop::collection::vec(record, 0..5).prop_map(|records| records.concat());
    let head = prop_oneof![4 => head, 1 => "[ -~]{0,60}"];
    (prop::bool::weighted(0.7), head, body)
}

proptest! {
    #[test]
    fn whatever_is_asked_is_answered_and_the_next_client_is_served(
        requests in prop::collection::vec(any_request(), 1..30),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let server = Server::new();
            let _transport = server.open_as(ID).await;
            for (posts, head, body) in requests {
                let request = match posts {
                    true => post(&head).body(Body::from(body)),
                    false => Request::builder().header("choreo-v1", head).body(Body::empty()),
                };
                // One that waits for what never comes is left.
                let nobody = async |_: FetchTransport| {};
                let answer = server.acceptor.answer(request.unwrap(), nobody);
                if let Ok(answer) = timeout(Duration::from_millis(10), answer).await {
                    assert!(!answer.status().is_server_error(), "{}", answer.status());
                }
            }
            let other = "f".repeat(31) + "7";
            let transport = server.open_as(&other).await;
            let sent = server.post(&format!("send {other} 0 0"), &frame(b"well")).await;
            assert!(sent.status.is_success());
            assert_eq!(transport.recv().await.unwrap().unwrap(), b"well"[..]);
        });
    }
}

//! The client against servers that misbehave, over real sockets: each a clear error within a time, and
//! what can go on goes on.
#![cfg(not(target_arch = "wasm32"))]

mod script;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use choreo_core::{Bytes, Error, ErrorKind, Result, Transport};
use choreo_transport_fetch::{FetchConnector, FetchTransport, Limits};
use script::{Answer, Forever, Request, answer, begin, frame, records, serve, taken};
use tokio::time::timeout;

/// All is over long before.
const LONG: Duration = Duration::from_secs(15);
/// For how long requests are repeated here.
const RETRY: Duration = Duration::from_millis(300);
/// What stands before the records of an answer that goes on, to show that bytes come through.
const FILLER: [u8; 4] = (u32::MAX - 1).to_be_bytes();
/// The record that ends a direction.
const END: [u8; 4] = u32::MAX.to_be_bytes();
/// The record that gives the number of the next.
const AT: [u8; 4] = (u32::MAX - 3).to_be_bytes();

fn limits() -> Limits {
    Limits::default()
        .open_timeout(Duration::from_secs(2))
        .close_timeout(Duration::from_millis(300))
        .retry_time(RETRY)
        .stream_timeout(Duration::from_millis(300))
}

async fn connector(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> FetchConnector {
    let address = serve(script).await;
    let connector = FetchConnector::new(format!("http://{address}/way?secret=1")).unwrap();
    connector.limits(limits())
}

/// Opens a connection to a server that lets it in, takes what is posted, and is silent otherwise, unless the
/// script has something to say.
async fn open(
    script: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static,
) -> FetchTransport {
    let well = move |request: &Request| {
        script(request).unwrap_or_else(|| match request.ask.as_str() {
            "stream" => {
                let mut bytes = begin("200 OK", &["choreo-v1: 0"]);
                bytes.extend_from_slice(&FILLER);
                Answer::Then(bytes, Forever::Silence)
            }
            "poll" => Answer::Then(Vec::new(), Forever::Silence),
            "send" => Answer::Bytes(taken(request.numbers[0] + 1)),
            _ => Answer::Bytes(taken(0)),
        })
    };
    connector(well).await.open().await.unwrap()
}

/// What comes down by the first request for it; later ones get nothing.
async fn open_with_down(bytes: Vec<u8>) -> FetchTransport {
    open(move |request| {
        (request.ask == "stream" && request.before == 0).then(|| Answer::End(bytes.clone()))
    })
    .await
}

/// An opening that fails.
async fn refused(script: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Error {
    let connector = connector(script).await;
    let opened = timeout(LONG, connector.open()).await.expect("it ends");
    told(opened.unwrap_err())
}

/// What a receive ends with, which is told each time, and by a send, too.
async fn ended(transport: &FetchTransport) -> Error {
    let error = timeout(LONG, async {
        loop {
            match transport.recv().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it ended in order"),
                Err(error) => break error,
            }
        }
    });
    let error = error.await.expect("it ends");
    let again = transport.recv().await.unwrap_err();
    assert_eq!(again.report(), error.report());
    let sent = transport.send(Bytes::from_static(b"late")).await;
    assert_eq!(sent.unwrap_err().report(), error.report());
    told(error)
}

/// Errors name the place, and nothing of the address that may be secret.
fn told(error: Error) -> Error {
    let report = error.report();
    assert!(report.contains("127.0.0.1"), "{report}");
    assert!(!report.contains("secret"), "{report}");
    assert!(report.len() < 1000, "{report}");
    error
}

async fn recv(transport: &FetchTransport) -> Result<Option<Bytes>> {
    timeout(LONG, transport.recv()).await.expect("it comes")
}

fn bytes(bytes: &'static [u8]) -> Bytes {
    Bytes::from_static(bytes)
}

#[tokio::test]
async fn a_captive_portal_is_told_from_a_server() {
    let page = b"<html><h1>Welcome to the hotel</h1></html>";
    let page = answer("200 OK", &["content-type: text/html"], page);
    let portal = page.clone();
    let error = refused(move |_| Answer::Bytes(portal.clone())).await;
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.report().contains("somebody else"), "{error}");

    // It comes later, in the midst of a connection.
    for place in ["stream", "send"] {
        let page = page.clone();
        let portal =
            move |request: &Request| (request.ask == place).then(|| Answer::Bytes(page.clone()));
        let transport = open(portal).await;
        transport.send(bytes(b"x")).await.unwrap();
        let error = ended(&transport).await;
        assert!(error.report().contains("somebody else"), "{place}: {error}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect"] {
        let moved = answer(status, &["location: /elsewhere"], b"moved");
        let error = refused(move |_| Answer::Bytes(moved.clone())).await;
        assert!(error.report().contains(&status[..3]), "{error}");
    }
}

#[tokio::test]
async fn refusals_say_why() {
    for (status, kind) in [
        ("400 Bad Request", ErrorKind::Config),
        ("401 Unauthorized", ErrorKind::Config),
        ("403 Forbidden", ErrorKind::Config),
        ("404 Not Found", ErrorKind::Config),
        ("429 Too Many Requests", ErrorKind::Transport),
        ("500 Internal Server Error", ErrorKind::Transport),
        ("503 Service Unavailable", ErrorKind::Transport),
    ] {
        let refusal = answer(status, &["retry-after: 1"], b"not \x1b[31mnow\xff\n");
        let error = refused(move |_| Answer::Bytes(refusal.clone())).await;
        assert_eq!(error.kind(), kind, "{status}");
        let report = error.report();
        assert!(report.contains(&status[..3]), "{report}");
        assert!(report.contains("not ?[31mnow?"), "{report}");
    }
}

#[tokio::test]
async fn an_endless_or_unfinished_refusal_ends() {
    for forever in [Forever::Letters, Forever::Silence] {
        let mut refusal = begin("403 Forbidden", &[]);
        refusal.extend_from_slice(b"because");
        let begun = Instant::now();
        let error = refused(move |_| Answer::Then(refusal.clone(), forever)).await;
        assert!(error.report().contains("403"), "{error}");
        assert!(error.report().contains("because"), "{error}");
        assert!(begun.elapsed() < LONG);

        let transport = open(move |request| {
            let mut refusal = begin("404 Not Found", &["choreo-v1: 0"]);
            refusal.extend_from_slice(b"no more");
            (request.ask == "send").then_some(Answer::Then(refusal, forever))
        });
        let transport = transport.await;
        transport.send(bytes(b"x")).await.unwrap();
        let error = ended(&transport).await;
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(error.report().contains("no more"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_silent_opens_nothing() {
    let silent = |_: &Request| Answer::Then(Vec::new(), Forever::Silence);
    let connector = connector(silent).await;
    let connector = connector.limits(limits().open_timeout(Duration::from_millis(100)));
    let begun = Instant::now();
    let opened = timeout(LONG, connector.open()).await.expect("it ends");
    let error = told(opened.unwrap_err());
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(begun.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn a_server_that_speaks_no_http_opens_nothing() {
    for garbage in [&b"SSH-2.0-OpenSSH_9.2\r\n"[..], b"\x16\x03\x01\x00", b""] {
        let error = refused(move |_| Answer::End(garbage.to_vec())).await;
        assert_eq!(error.kind(), ErrorKind::Transport);
    }
}

#[tokio::test]
async fn numbers_that_cannot_be_are_violations() {
    // More than was sent.
    let transport = open(|request| (request.ask == "send").then(|| Answer::Bytes(taken(7)))).await;
    transport.send(bytes(b"x")).await.unwrap();
    let error = ended(&transport).await;
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.report().contains("it has 7 frames, of 1"), "{error}");

    // None at all.
    let transport = open(|request| {
        let answer = begin("204 No Content", &["choreo-v1: many"]);
        (request.ask == "send").then_some(Answer::Bytes(answer))
    });
    let transport = transport.await;
    transport.send(bytes(b"x")).await.unwrap();
    let error = ended(&transport).await;
    assert!(error.report().contains("no number"), "{error}");

    // What comes down has a gap before it.
    for number in [1, u64::MAX] {
        let body = [&AT[..], &number.to_be_bytes(), &frame(b"later")].concat();
        let transport = open_with_down(records(&body)).await;
        let error = ended(&transport).await;
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.report().contains("where 0 was due"), "{error}");
    }
}

/// What goes with the answer to a post is taken if it is the next, and nothing else is.
#[tokio::test]
async fn what_comes_with_a_post_out_of_its_place_is_left() {
    for first in [
        "1",
        "18446744073709551615",
        "18446744073709551616",
        "-1",
        "",
    ] {
        let transport = open(move |request| {
            let body = [frame(b"out of"), frame(b"its place")].concat();
            (request.ask == "send").then(|| {
                let sent = request.numbers[0];
                let first = if sent < 3 { first } else { "0" };
                let head = format!("choreo-v1: {} {first}", sent + 1);
                Answer::Bytes(answer("200 OK", &[&head], &body))
            })
        });
        let transport = transport.await;
        for _ in 0..3 {
            transport.send(bytes(b"x")).await.unwrap();
            let received = timeout(Duration::from_millis(50), transport.recv()).await;
            assert!(received.is_err(), "{first}: {received:?}");
        }
        transport.send(bytes(b"x")).await.unwrap();
        assert_eq!(recv(&transport).await.unwrap(), Some(bytes(b"out of")));
        assert_eq!(recv(&transport).await.unwrap(), Some(bytes(b"its place")));
    }
}

#[tokio::test]
async fn a_frame_above_the_limit_is_refused_either_way_it_comes() {
    let large = [&FILLER[..], &70_000_u32.to_be_bytes(), b"begins"].concat();
    let down = open_with_down(records(&large)).await;
    let with_post = open(move |request| {
        let answer = answer("200 OK", &["choreo-v1: 1 0"], &large);
        (request.ask == "send").then_some(Answer::Bytes(answer))
    });
    let with_post = with_post.await;
    with_post.send(bytes(b"x")).await.unwrap();
    for transport in [down, with_post] {
        let error = ended(&transport).await;
        assert_eq!(error.kind(), ErrorKind::Protocol);
        let report = error.report();
        assert!(
            report.contains("70000") && report.contains("66560"),
            "{report}"
        );
    }
}

#[tokio::test]
async fn a_record_that_is_cut_comes_with_the_next_request() {
    for at in 0..8 {
        let transport = open(move |request| {
            let whole = [frame(b"abcd"), frame(b"efgh")].concat();
            match (request.ask.as_str(), request.before) {
                ("stream" | "poll", 0) => {
                    let begun = [&FILLER[..], &whole[..at]].concat();
                    Some(Answer::End(records(&begun)))
                }
                ("stream" | "poll", _) => {
                    let from = 8 * request.numbers[1] as usize;
                    let rest = [&FILLER[..], &whole[from..]].concat();
                    Some(Answer::Then(records(&rest), Forever::Silence))
                }
                _ => None,
            }
        });
        let transport = transport.await;
        assert_eq!(
            recv(&transport).await.unwrap(),
            Some(bytes(b"abcd")),
            "{at}"
        );
        assert_eq!(
            recv(&transport).await.unwrap(),
            Some(bytes(b"efgh")),
            "{at}"
        );
    }
}

#[tokio::test]
async fn nothing_comes_after_the_end() {
    let body = [&END[..], &frame(b"more")].concat();
    let transport = open_with_down(records(&body)).await;
    assert_eq!(recv(&transport).await.unwrap(), None);
    assert_eq!(recv(&transport).await.unwrap(), None);
    let kind = transport.send(bytes(b"late")).await.unwrap_err().kind();
    assert!(
        matches!(kind, ErrorKind::Closed | ErrorKind::Protocol),
        "{kind:?}"
    );
}

#[tokio::test]
async fn a_server_that_has_restarted_does_not_know_the_connection() {
    for ask in ["stream", "send"] {
        let transport = open(move |request| {
            let gone = answer("404 Not Found", &["choreo-v1: 0"], b"not there\n");
            (request.ask == ask).then_some(Answer::Bytes(gone))
        });
        let transport = transport.await;
        transport.send(bytes(b"x")).await.unwrap();
        let error = ended(&transport).await;
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(error.report().contains("404: not there"), "{error}");
    }
}

/// Something between has no way to the server for a while.
#[tokio::test]
async fn failures_that_pass_are_got_over_and_others_given_up() {
    let broken = [
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Timeout",
        "429 Later",
        "",
    ];
    for status in broken {
        let failure = move || match status {
            "" => Answer::End(Vec::new()),
            status => Answer::Bytes(answer(status, &["retry-after: 1"], b"later")),
        };
        let transport = open(
            move |request| match (request.ask.as_str(), request.before) {
                ("send" | "stream", 0 | 1) => Some(failure()),
                ("stream", 2) => {
                    let down = records(&[&FILLER[..], &frame(b"hello")].concat());
                    Some(Answer::Then(down, Forever::Silence))
                }
                _ => None,
            },
        );
        let transport = transport.await;
        transport.send(bytes(b"x")).await.unwrap();
        assert_eq!(
            recv(&transport).await.unwrap(),
            Some(bytes(b"hello")),
            "{status}"
        );

        for ask in ["send", "stream"] {
            let transport = open(move |request| (request.ask == ask).then(failure)).await;
            let begun = Instant::now();
            transport.send(bytes(b"x")).await.unwrap();
            let error = ended(&transport).await;
            assert_eq!(error.kind(), ErrorKind::Transport, "{ask} {status}");
            let took = begun.elapsed();
            assert!(took > RETRY / 3 && took < LONG, "{ask} {status}: {took:?}");
        }
    }
}

/// Answers that are well, but bring nothing on, are not asked for as fast as they come.
#[tokio::test]
async fn a_server_that_gets_nowhere_is_given_up() {
    type Case = (&'static str, fn() -> Answer);
    let nowhere: [Case; 4] = [
        // It takes nothing, ever.
        ("send", || Answer::Bytes(taken(0))),
        // It has nothing, at once.
        ("poll", || {
            Answer::Bytes(answer("200 OK", &["choreo-v1: 0"], b""))
        }),
        ("poll", || Answer::Bytes(taken(0))),
        // Something between remembers an answer.
        ("poll", || {
            let old = [&AT[..], &[0; 8], &frame(b"old")].concat();
            Answer::Bytes(answer("200 OK", &["choreo-v1: 0"], &old))
        }),
    ];
    for (ask, nowhere) in nowhere {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let script = move |request: &Request| match request.ask.as_str() {
            own if own == ask => {
                count.fetch_add(1, Ordering::Relaxed);
                nowhere()
            }
            "open" => Answer::Bytes(taken(0)),
            "send" => Answer::Bytes(taken(request.numbers[0] + 1)),
            _ => Answer::Then(Vec::new(), Forever::Silence),
        };
        let mut connector = connector(script).await;
        if ask == "poll" {
            connector = connector.long_polls();
        }
        let transport = connector.open().await.unwrap();
        transport.send(bytes(b"x")).await.unwrap();
        let error = ended(&transport).await;
        assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
        let asked = asked.load(Ordering::Relaxed);
        assert!((2..20).contains(&asked), "{ask}: {asked} requests");
    }
}

/// It goes on by long polls, and so do the next connections.
#[tokio::test]
async fn a_streamed_answer_that_does_not_begin_or_go_on_is_not_waited_for() {
    let held: [fn() -> Answer; 3] = [
        || Answer::Then(Vec::new(), Forever::Silence),
        || Answer::Then(records(b""), Forever::Silence),
        // It begins, and is over: something between does not let answers go on.
        || Answer::End(records(&FILLER)),
    ];
    for held in held {
        let script = move |request: &Request| match (request.ask.as_str(), request.before) {
            ("stream", _) => held(),
            ("poll", 0) => Answer::Bytes(answer("200 OK", &["choreo-v1: 0"], &frame(b"polled"))),
            ("poll", _) => Answer::Then(Vec::new(), Forever::Silence),
            _ => Answer::Bytes(taken(0)),
        };
        let connector = connector(script).await;
        let transport = connector.open().await.unwrap();
        assert!(!connector.is_polling());
        let begun = Instant::now();
        assert_eq!(recv(&transport).await.unwrap(), Some(bytes(b"polled")));
        assert!(begun.elapsed() < LONG);
        assert!(connector.is_polling());
    }
}

#[tokio::test]
async fn who_closes_does_not_wait_for_a_server_for_ever() {
    // It takes the end, and does not close.
    let transport = open(|_| None).await;
    transport.close().await.unwrap();
    let begun = Instant::now();
    let error = timeout(LONG, transport.recv()).await.unwrap().unwrap_err();
    assert!(
        error.report().contains("has not closed it in time"),
        "{error}"
    );
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

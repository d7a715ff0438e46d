//! The transport where `fetch` is: in windows, in workers of all kinds, in Node, in Deno.
//!
//! `cargo xtask test` starts the server that these tests talk to, `examples/fetch-peer.rs`: at another
//! address than that of the page, so all of it goes by the rules for other origins.
#![cfg(target_arch = "wasm32")]

mod there;

use std::time::Duration;

use choreo_core::runtime::{Instant, sleep, timeout};
use choreo_core::{Bytes, Connect, ErrorKind, Transport};
use choreo_transport_fetch::{FetchConnector, FetchTransport, Limits};
use js_sys::{Array, Function, Promise, Reflect};
use there::{is_browser, server, unique};
use wasm_bindgen::prelude::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

fn connector(path: &str) -> FetchConnector {
    FetchConnector::new(format!("{}{path}", server())).unwrap()
}

/// Streamed, and by long polls.
fn both(path: &str) -> [FetchConnector; 2] {
    [connector(path), connector(path).long_polls()]
}

async fn open(path: &str) -> FetchTransport {
    connector(path).open().await.unwrap()
}

fn frame(bytes: &'static [u8]) -> Bytes {
    Bytes::from_static(bytes)
}

/// What the server tells about the end of the connection of this name, or about its requests.
async fn told(what: &str, id: &str) -> String {
    let transport = open(&format!("/{what}/{id}")).await;
    let told = transport.recv().await.unwrap().unwrap();
    String::from_utf8(told.to_vec()).unwrap()
}

/// Calls a function of JavaScript that gives a promise.
async fn js(body: &str, argument: JsValue) -> std::result::Result<JsValue, JsValue> {
    let function =
        Function::new_with_args("argument", &format!("return (async () => {{ {body} }})()"));
    let promise: Promise = function.call1(&JsValue::NULL, &argument)?.unchecked_into();
    JsFuture::from(promise).await
}

/// All requests that are made while it lives.
struct Spy {
    real: JsValue,
    requests: Array,
}

impl Spy {
    fn new() -> Self {
        let real = Reflect::get(&js_sys::global(), &"fetch".into()).unwrap();
        let requests = Array::new();
        let spied = Function::new_with_args(
            "real, requests",
            "return (url, init) => { \
                 requests.push(new Request(url, init)); \
                 return real.call(globalThis, url, init); \
             }",
        );
        let spied = spied.call2(&JsValue::NULL, &real, &requests).unwrap();
        Reflect::set(&js_sys::global(), &"fetch".into(), &spied).unwrap();
        Self { real, requests }
    }

    fn requests(&self) -> Vec<web_sys::Request> {
        self.requests.iter().map(JsCast::unchecked_into).collect()
    }
}

impl Drop for Spy {
    fn drop(&mut self) {
        let _ = Reflect::set(&js_sys::global(), &"fetch".into(), &self.real);
    }
}

/// Sends so many frames, and gets them back in order.
async fn echoes(transport: &dyn Transport, frames: u32) {
    let send = async {
        for number in 0..frames {
            let sent = Bytes::copy_from_slice(&number.to_le_bytes());
            transport.send(sent).await.unwrap();
        }
    };
    let recv = async {
        for number in 0..frames {
            let received = transport.recv().await.unwrap().unwrap();
            assert_eq!(received, number.to_le_bytes()[..]);
        }
    };
    futures::join!(send, recv);
}

/// Waits until it holds, or for ten seconds.
async fn eventually(mut holds: impl FnMut() -> bool) -> bool {
    for _ in 0..1_000 {
        if holds() {
            return true;
        }
        sleep(Duration::from_millis(10)).await;
    }
    false
}

#[wasm_bindgen_test]
fn futures_are_send() {
    fn send<T: Send>(_: T) {}
    let connector = FetchConnector::new("http://localhost/").unwrap();
    send(connector.open());
    send(async move {
        let transport = connector.connect().await?;
        transport.send(Bytes::new()).await?;
        transport.recv().await
    });
}

#[wasm_bindgen_test]
async fn frames_come_back_through_connect() {
    for connector in both("/echo") {
        let transport = connector.connect().await.unwrap();
        for size in [0, 1, 65_535, 65_536, Limits::DEFAULT_MAX_FRAME] {
            let sent = Bytes::from(vec![3; size]);
            transport.send(sent.clone()).await.unwrap();
            assert_eq!(transport.recv().await.unwrap(), Some(sent), "{size}");
        }
        transport.close().await.unwrap();
        let error = transport.send(frame(b"late")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
        assert_eq!(transport.recv().await.unwrap(), None);
        transport.close().await.unwrap();
    }
}

#[wasm_bindgen_test]
async fn at_most_two_requests_are_there_at_once() {
    for long_polls in [false, true] {
        let id = unique();
        let connector = connector(&format!("/echo?id={id}"));
        let connector = match long_polls {
            true => connector.long_polls(),
            false => connector,
        };
        let transport = connector.open().await.unwrap();
        echoes(&transport, 2_000).await;
        transport.close().await.unwrap();
        assert_eq!(transport.recv().await.unwrap(), None);
        assert_eq!(told("end", &id).await, "closed");
        assert_eq!(told("gone", &id).await, "2");
    }
}

#[wasm_bindgen_test]
async fn an_answer_that_is_held_back_makes_it_poll() {
    let limits = Limits::default().stream_timeout(Duration::from_millis(300));
    let id = unique();
    let connector = connector(&format!("/held?id={id}")).limits(limits);
    assert!(!connector.is_polling());
    let transport = connector.open().await.unwrap();
    echoes(&transport, 100).await;
    transport.send(frame(b"alone")).await.unwrap();
    assert_eq!(transport.recv().await.unwrap(), Some(frame(b"alone")));
    assert!(eventually(|| connector.is_polling()).await);
    drop(transport);
    assert_eq!(told("gone", &id).await, "2");
    // The next one knows it at once.
    let spy = Spy::new();
    let transport = connector.open().await.unwrap();
    echoes(&transport, 10).await;
    for request in spy.requests() {
        let head = request.headers().get("choreo-v1").unwrap().unwrap();
        assert!(!head.starts_with("stream"), "{head}");
    }
}

#[wasm_bindgen_test]
async fn whatever_happens_to_requests_frames_come_once_and_in_order() {
    for path in ["/lost", "/repeated", "/early", "/torn", "/busy/3"] {
        for connector in both(path) {
            let transport = connector.open().await.unwrap();
            let all = async {
                for _ in 0..4 {
                    echoes(&transport, 25).await;
                }
                transport.close().await.unwrap();
                assert_eq!(transport.recv().await.unwrap(), None, "{path}");
            };
            let done = timeout(Duration::from_secs(20), all).await;
            assert!(done.is_ok(), "{path} hangs");
        }
    }
}

#[wasm_bindgen_test]
async fn what_was_sent_before_a_drop_arrives() {
    let id = unique();
    let transport = open(&format!("/take?id={id}")).await;
    for _ in 0..20 {
        transport.send(Bytes::from(vec![0; 10_000])).await.unwrap();
    }
    drop(transport);
    assert_eq!(told("end", &id).await, "closed after 200000 bytes");
    assert_eq!(told("gone", &id).await, "2");
}

#[wasm_bindgen_test]
async fn what_says_goodbye_may_outlive_the_page() {
    if !is_browser() {
        return console_log!("skipped: there are no pages here");
    }
    let known = js("return 'keepalive' in Request.prototype", JsValue::NULL).await;
    if known.unwrap().is_falsy() {
        return console_log!("skipped: this browser keeps no request alive");
    }
    let spy = Spy::new();
    let id = unique();
    let transport = open(&format!("/take?id={id}")).await;
    transport.send(frame(b"bye")).await.unwrap();
    drop(transport);
    assert_eq!(told("end", &id).await, "closed after 3 bytes");
    let mut requests = spy.requests();
    requests.retain(|request| request.url().ends_with(&id) && request.method() == "POST");
    let kept = |request: &web_sys::Request| {
        let kept = Reflect::get(request, &"keepalive".into());
        kept.unwrap().is_truthy()
    };
    assert!(!kept(&requests[0]), "what opens is not");
    assert!(requests[1..].iter().any(kept), "none is kept alive");
}

#[wasm_bindgen_test]
async fn a_request_that_outlives_its_page_has_a_limit() {
    // What the limit of ours is derived from.
    let post = "const [url, size] = argument; \
        const body = new Uint8Array(size); \
        const answer = await fetch(url, { method: 'POST', body, keepalive: true }); \
        return await answer.text();";
    let url = format!("{}/bytes", server());
    let ask = async |size: u32| {
        let argument = Array::of2(&url.as_str().into(), &size.into());
        js(post, argument.into()).await
    };
    assert_eq!(ask(65_536).await.unwrap(), "65536");
    let above = ask(65_537).await;
    let known = js("return 'keepalive' in Request.prototype", JsValue::NULL).await;
    if is_browser() && known.unwrap().is_truthy() {
        assert!(above.is_err(), "{above:?}");
    } else {
        console_log!("no limit here: {above:?}");
    }
}

#[wasm_bindgen_test]
async fn an_opening_that_takes_too_long_is_given_up() {
    let id = unique();
    let limits = Limits::default().open_timeout(Duration::from_millis(100));
    let silent = connector(&format!("/silent?id={id}")).limits(limits);
    let error = silent.open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.to_string().contains("100 ms"), "{error}");
    assert_eq!(told("gone", &id).await, "1", "the request is aborted");
}

#[wasm_bindgen_test]
async fn a_close_that_nobody_answers_is_given_up() {
    let id = unique();
    let limits = Limits::default().close_timeout(Duration::from_millis(200));
    let stuck = connector(&format!("/stuck?id={id}")).limits(limits);
    let transport = stuck.open().await.unwrap();
    transport.send(frame(b"in vain")).await.unwrap();
    let (received, ()) = futures::join!(transport.recv(), async {
        sleep(Duration::from_millis(100)).await;
        transport.close().await.unwrap();
    });
    assert_eq!(received.unwrap_err().kind(), ErrorKind::Transport);
    assert_eq!(told("gone", &id).await, "2", "the requests are aborted");
}

#[wasm_bindgen_test]
async fn errors_say_what_happened() {
    // (In browsers, pages are not told why a server cannot be reached.)
    let unreachable = FetchConnector::new("http://127.0.0.1:65531/?secret").unwrap();
    for (connector, kind, says) in [
        (unreachable, ErrorKind::Transport, ""),
        (connector("/refuse/403?secret"), ErrorKind::Config, "403"),
        (connector("/refuse/404"), ErrorKind::Config, "404"),
        (connector("/refuse/503"), ErrorKind::Transport, "503"),
        // A network that first wants to be logged in to answers so, too.
        (
            connector("/refuse/200"),
            ErrorKind::Transport,
            "choreo server",
        ),
    ] {
        let error = connector.open().await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let text = error.to_string();
        assert!(
            text.contains("http://127.0.0.1") && text.contains(says),
            "{text}"
        );
        assert!(!error.report().contains("secret"), "{}", error.report());
        assert!(
            !error.report().contains('\u{7}'),
            "what a server says is escaped"
        );
    }
}

#[wasm_bindgen_test]
async fn a_connection_that_the_server_has_forgotten_is_broken() {
    for connector in both("/forgetful") {
        let transport = connector.open().await.unwrap();
        let error = transport.recv().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
        assert!(error.to_string().contains("404"), "{error}");
        let error = transport.send(frame(b"x")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
    }
}

#[wasm_bindgen_test]
async fn a_large_frame_is_refused() {
    let limits = Limits::default().max_frame(1000);
    let transport = connector("/large/1001")
        .limits(limits)
        .open()
        .await
        .unwrap();
    let error = transport.recv().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    let transport = connector("/echo").limits(limits).open().await.unwrap();
    let error = transport
        .send(Bytes::from(vec![0; 1001]))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    transport.send(Bytes::from(vec![0; 1000])).await.unwrap();
    assert_eq!(transport.recv().await.unwrap().unwrap().len(), 1000);
}

#[wasm_bindgen_test]
async fn a_flood_waits_for_who_receives() {
    let transport = open("/flood/300/60000").await;
    sleep(Duration::from_millis(300)).await;
    let started = Instant::now();
    for _ in 0..300 {
        assert_eq!(transport.recv().await.unwrap().unwrap().len(), 60_000);
    }
    console_log!("18 MB in {:?}", started.elapsed());
}

#[wasm_bindgen_test]
async fn nothing_is_left_of_a_closed_transport() {
    // Whatever is made once and kept, is made now.
    drop(open("/echo").await);
    sleep(Duration::from_millis(300)).await;
    let before = wasm_bindgen::externref_heap_live_count();
    for round in 0..20 {
        let transport = open("/echo").await;
        transport.send(frame(b"x")).await.unwrap();
        transport.recv().await.unwrap().unwrap();
        assert!(
            wasm_bindgen::externref_heap_live_count() > before,
            "it is counted"
        );
        if round % 2 == 0 {
            transport.close().await.unwrap();
        }
    }
    let live = || wasm_bindgen::externref_heap_live_count() <= before;
    assert!(eventually(live).await, "objects are left");
}

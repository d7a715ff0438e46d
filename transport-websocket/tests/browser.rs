//! The transport in browsers: in windows and in workers, and where else there is a `WebSocket`.
//!
//! `cargo xtask test` starts the server that these tests talk to, `examples/websocket-peer.rs`. Node
//! has a `WebSocket` from version 22 on; before, each test says that it is skipped.
//!
//! What cannot be tested here: a page that comes back from the back/forward cache, for leaving the
//! page ends the test, and timers in background tabs, for tests have no other tab. Neither needs
//! anything of this crate: the browser sends a close event for a socket that died meanwhile, and
//! frames come and go without timers.
#![cfg(target_arch = "wasm32")]

use std::time::Duration;

use choreo_core::runtime::{Instant, sleep, timeout};
use choreo_core::{Bytes, Connect, Error, ErrorKind, Result, Transport, async_trait};
use choreo_testkit::{TransportFixture, transport, transport_suite};
use choreo_transport_websocket::{Closed, Limits, WebSocketConnector, WebSocketTransport};
use js_sys::{Array, Function, Reflect};
use wasm_bindgen::prelude::{JsCast, JsValue};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};
use web_sys::WebSocket;

/// A test that is skipped, by name, where there is no `WebSocket`.
macro_rules! browser_test {
    ($(async fn $name:ident() $body:block)*) => {$(
        #[wasm_bindgen_test]
        async fn $name() {
            if has_websocket() {
                $body
            } else {
                console_log!("{} is skipped: there is no WebSocket here", stringify!($name));
            }
        }
    )*};
}

fn has_websocket() -> bool {
    Reflect::has(&js_sys::global(), &"WebSocket".into()).unwrap_or_default()
}

/// The address of the server.
#[expect(clippy::option_env_unwrap, reason = "it compiles without a server")]
fn server() -> &'static str {
    option_env!("CHOREO_TEST_PEER")
        .expect("no server to talk to: `cargo xtask test` starts one before it builds this")
}

fn connector(path: &str) -> WebSocketConnector {
    WebSocketConnector::new(format!("{}{path}", server())).unwrap()
}

async fn open(path: &str) -> WebSocketTransport {
    connector(path).open().await.unwrap()
}

fn frame(bytes: &'static [u8]) -> Bytes {
    Bytes::from_static(bytes)
}

/// A name for a connection that no other test, and no other run, has.
fn unique() -> String {
    format!("{}", js_sys::Math::random()).replace("0.", "")
}

/// What the server tells about the end of the connection of this name.
async fn end(id: &str) -> String {
    let transport = open(&format!("/end/{id}")).await;
    let end = transport.recv().await.unwrap().unwrap();
    String::from_utf8(end.to_vec()).unwrap()
}

/// What a receive ends with, and again; and how many bytes came before it.
async fn recv_error(transport: &WebSocketTransport) -> (Error, usize) {
    let mut bytes = 0;
    let error = loop {
        match transport.recv().await {
            Ok(Some(frame)) => bytes += frame.len(),
            Ok(None) => panic!("the connection ended in order"),
            Err(error) => break error,
        }
    };
    let again = transport.recv().await.unwrap_err();
    assert_eq!(again.report(), error.report(), "it is told each time");
    (error, bytes)
}

/// All sockets that are made while it lives.
struct Spy {
    real: JsValue,
    sockets: Array,
}

impl Spy {
    fn new() -> Self {
        let real = Reflect::get(&js_sys::global(), &"WebSocket".into()).unwrap();
        let sockets = Array::new();
        let spied = Function::new_with_args(
            "Real, sockets",
            "return class WebSocket extends Real { \
                 constructor(...args) { super(...args); sockets.push(this); } \
             }",
        );
        let spied = spied.call2(&JsValue::NULL, &real, &sockets).unwrap();
        Reflect::set(&js_sys::global(), &"WebSocket".into(), &spied).unwrap();
        Self { real, sockets }
    }

    fn socket(&self, index: u32) -> WebSocket {
        self.sockets.get(index).unchecked_into()
    }
}

impl Drop for Spy {
    fn drop(&mut self) {
        let _ = Reflect::set(&js_sys::global(), &"WebSocket".into(), &self.real);
    }
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
    let connector = WebSocketConnector::new("ws://localhost/").unwrap();
    send(connector.open());
    send(async move {
        let transport = connector.connect().await?;
        transport.send(Bytes::new()).await?;
        transport.recv().await
    });
}

browser_test! {
    async fn frames_come_back_through_connect() {
        let transport = connector("/echo").connect().await.unwrap();
        for size in [0, 1, 125, 126, 65_535, 65_536, Limits::DEFAULT_MAX_FRAME] {
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

    async fn many_frames_keep_their_order() {
        let transport = open("/echo").await;
        let send = async {
            for i in 0..2_000_u32 {
                transport.send(Bytes::copy_from_slice(&i.to_le_bytes())).await.unwrap();
            }
        };
        let recv = async {
            for i in 0..2_000_u32 {
                let received = transport.recv().await.unwrap().unwrap();
                assert_eq!(received, i.to_le_bytes()[..]);
            }
        };
        futures::join!(send, recv);
    }

    async fn what_was_sent_before_a_close_or_a_drop_arrives() {
        for drops in [false, true] {
            let id = unique();
            let transport = open(&format!("/stall/1?id={id}")).await;
            for _ in 0..100 {
                transport.send(Bytes::from(vec![0; 10_000])).await.unwrap();
            }
            // At this, the server tells how much came, and then waits for the close.
            transport.send(Bytes::new()).await.unwrap();
            if drops {
                drop(transport);
                assert_eq!(end(&id).await, "1000 ");
            } else {
                assert_eq!(transport.recv().await.unwrap(), Some(frame(b"1000000")));
                transport.close().await.unwrap();
                assert_eq!(transport.recv().await.unwrap(), None);
                assert_eq!(end(&id).await, "1000 ");
            }
        }
    }

    async fn the_subprotocol_is_agreed_upon() {
        let transport = connector("/protocol").protocols(["a", "b"]).unwrap();
        assert_eq!(transport.open().await.unwrap().protocol(), "b");
        assert_eq!(open("/protocol").await.protocol(), "");
    }

    async fn text_is_refused() {
        let id = unique();
        let transport = open(&format!("/text?id={id}")).await;
        let (error, _) = recv_error(&transport).await;
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.to_string().contains("text"), "{error}");
        let error = transport.send(frame(b"more")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        assert_eq!(end(&id).await, "4400 text where binary is due");
    }

    async fn a_large_frame_is_refused() {
        let id = unique();
        let limits = Limits::default().max_frame(1000);
        let connector = connector(&format!("/large/1001?id={id}")).limits(limits);
        let transport = connector.open().await.unwrap();
        let (error, _) = recv_error(&transport).await;
        assert_eq!(error.kind(), ErrorKind::Protocol);
        let text = error.to_string();
        assert!(text.contains("1001") && text.contains("1000"), "{text}");
        assert_eq!(end(&id).await, "4413 frame above the limit");
    }

    async fn a_large_frame_is_not_sent() {
        let limits = Limits::default().max_frame(1000);
        let transport = connector("/echo").limits(limits).open().await.unwrap();
        let error = transport.send(Bytes::from(vec![0; 1001])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        transport.send(Bytes::from(vec![0; 1000])).await.unwrap();
        assert_eq!(transport.recv().await.unwrap().unwrap().len(), 1000);
    }

    async fn codes_and_reasons_come_through() {
        let transport = open("/close/4409/superseded").await;
        transport.send(frame(b"now")).await.unwrap();
        let (error, _) = recv_error(&transport).await;
        assert_eq!(error.kind(), ErrorKind::Closed);
        let closed = Closed {
            code: 4409,
            reason: "superseded".to_owned(),
            clean: true,
        };
        assert_eq!(Closed::of(&error), Some(&closed));
        assert!(error.report().ends_with("close code 4409: superseded"), "{}", error.report());
    }

    async fn an_orderly_end_is_no_error() {
        for path in ["/close/1000/bye", "/close/1001/going", "/bare-close"] {
            let transport = open(path).await;
            transport.send(frame(b"now")).await.unwrap();
            assert_eq!(transport.recv().await.unwrap(), None, "{path}");
            let error = transport.send(frame(b"more")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Closed);
        }
    }

    async fn a_send_after_the_end_is_told() {
        // The browser itself takes such frames without a word. Nobody receives here, so only the
        // send can notice.
        for (path, kind) in [
            ("/close/4410/expired", ErrorKind::Closed),
            ("/close/1011/oops", ErrorKind::Transport),
            ("/vanish", ErrorKind::Transport),
            ("/reset", ErrorKind::Transport),
        ] {
            let transport = open(path).await;
            let sending = async {
                loop {
                    if let Err(error) = transport.send(frame(b"x")).await {
                        break error;
                    }
                    sleep(Duration::from_millis(1)).await;
                }
            };
            let error = timeout(Duration::from_secs(10), sending).await.expect("it notices");
            assert_eq!(error.kind(), kind, "{path}: {error}");
            assert!(!error.is_transient(), "it may have been sent");
            let code = Closed::of(&error).unwrap().code;
            assert!(matches!(code, 4410 | 1011 | 1006), "{path}: {code}");
        }
    }

    async fn a_stalled_peer_fills_no_more_than_the_mark() {
        const FRAMES: usize = 400;
        const SIZE: usize = 60_000;
        let honest = browser_tells_what_it_buffers(FRAMES * SIZE).await;
        let spy = Spy::new();
        let transport = open("/stall/1500").await;
        let socket = spy.socket(0);
        let most = std::cell::Cell::new(0);
        let send = async {
            let started = Instant::now();
            for _ in 0..FRAMES {
                transport.send(Bytes::from(vec![1; SIZE])).await.unwrap();
                most.set(most.get().max(socket.buffered_amount()));
            }
            transport.send(Bytes::new()).await.unwrap();
            started.elapsed()
        };
        let watch = async {
            loop {
                most.set(most.get().max(socket.buffered_amount()));
                sleep(Duration::from_millis(5)).await;
            }
        };
        let (send, watch) = (std::pin::pin!(send), std::pin::pin!(watch));
        let futures::future::Either::Left((took, _)) =
            futures::future::select(send, watch).await;
        // A byte or two of framing for each frame may count.
        assert!(most.get() <= 257 * 1024, "{} bytes were buffered", most.get());
        if honest {
            assert!(took > Duration::from_millis(1000), "24 MB were taken in {took:?}");
            assert!(most.get() >= SIZE as u32, "the peer was not slow: {}", most.get());
        } else {
            console_log!("this browser has taken 24 MB in {took:?}, and calls it nothing");
        }
        let total = transport.recv().await.unwrap().unwrap();
        assert_eq!(total, (FRAMES * SIZE).to_string().into_bytes());
    }

    async fn a_flood_that_nobody_receives_is_cut_off() {
        let id = unique();
        let transport = open(&format!("/flood/300/60000?id={id}")).await;
        let told = end(&id).await;
        // A server that still writes may find the connection gone before it reads the reason.
        assert!(told.starts_with("4429 ") || told.contains("IO error"), "{told}");
        let (error, bytes) = recv_error(&transport).await;
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        assert!(error.to_string().contains("receive_queue"), "{error}");
        assert!((3 << 20..=4 << 20).contains(&bytes), "{bytes} bytes were kept");
    }

    async fn a_flood_that_is_received_passes() {
        let transport = open("/flood/300/60000").await;
        for _ in 0..300 {
            assert_eq!(transport.recv().await.unwrap().unwrap().len(), 60_000);
        }
    }

    async fn closing_with_a_code_tells_the_peer() {
        let id = unique();
        let transport = open(&format!("/echo?id={id}")).await;
        for code in [0, 999, 1001, 1006, 2999, 5000] {
            let error = transport.close_with(code, "").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
        }
        transport.close_with(4408, &"é".repeat(100)).await.unwrap();
        assert_eq!(transport.recv().await.unwrap(), None);
        assert_eq!(end(&id).await, format!("4408 {}", "é".repeat(61)));
    }

    async fn a_peer_that_never_closes_is_given_up() {
        let limits = Limits::default().close_timeout(Duration::from_millis(200));
        let transport = connector("/deaf").limits(limits).open().await.unwrap();
        let (received, ()) = futures::join!(transport.recv(), async {
            transport.close().await.unwrap();
        });
        assert_eq!(received.unwrap_err().kind(), ErrorKind::Transport);
    }

    async fn a_close_ends_sends_that_wait() {
        let transport = open("/stall/10000").await;
        let filling = async {
            loop {
                if let Err(error) = transport.send(Bytes::from(vec![0; 60_000])).await {
                    break error;
                }
            }
        };
        let closing = async {
            sleep(Duration::from_millis(500)).await;
            transport.close().await.unwrap();
        };
        let both = async { futures::join!(filling, closing) };
        let (error, ()) = timeout(Duration::from_secs(5), both).await.expect("at once");
        assert_eq!(error.kind(), ErrorKind::Closed);
    }

    async fn nothing_is_left_of_a_dropped_transport() {
        // Whatever is made once and kept, is made now.
        drop(open("/echo").await);
        let spy = Spy::new();
        let id = unique();
        drop(open(&format!("/echo?id={id}")).await);
        assert_eq!(end(&id).await, "1000 ");
        let settled = || {
            spy.sockets.iter().all(|socket| {
                let socket: WebSocket = socket.unchecked_into();
                socket.ready_state() == WebSocket::CLOSED
                    && socket.onopen().is_none()
                    && socket.onmessage().is_none()
                    && socket.onclose().is_none()
            })
        };
        assert!(eventually(settled).await, "it is closed, and nothing hangs on it");
        // Each closure is an object of JavaScript, too, and so is each socket that we hold.
        let before = wasm_bindgen::externref_heap_live_count();
        for round in 0..20 {
            let transport = open("/echo").await;
            transport.send(frame(b"x")).await.unwrap();
            transport.recv().await.unwrap().unwrap();
            assert!(wasm_bindgen::externref_heap_live_count() > before, "it is counted");
            if round % 2 == 0 {
                transport.close().await.unwrap();
            }
        }
        assert_eq!(spy.sockets.length(), 23 - 1, "one of each, and the one that told the end");
        assert!(eventually(settled).await, "all are closed, and nothing hangs on them");
        let live = || wasm_bindgen::externref_heap_live_count() <= before;
        assert!(eventually(live).await, "objects are left");
    }

    async fn a_connect_that_is_dropped_closes() {
        let spy = Spy::new();
        let before = wasm_bindgen::externref_heap_live_count();
        assert!(timeout(Duration::from_millis(50), connector("/silent").open()).await.is_err());
        let closed = || spy.socket(0).ready_state() >= WebSocket::CLOSING;
        assert!(eventually(closed).await);
        let unhooked = || {
            spy.socket(0).onclose().is_none() && wasm_bindgen::externref_heap_live_count() <= before
        };
        assert!(eventually(unhooked).await);
    }

    async fn a_server_that_does_not_answer_is_given_up() {
        let limits = Limits::default().open_timeout(Duration::from_millis(100));
        let error = connector("/silent").limits(limits).open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(error.to_string().contains("100 ms"), "{error}");
    }

    async fn a_refusal_is_told_without_what_the_browser_hides() {
        for connector in [
            connector("/refuse/404?secret"),
            WebSocketConnector::new("ws://127.0.0.1:65531/?secret").unwrap(),
        ] {
            let error = connector.open().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
            assert!(error.to_string().contains("ws://127.0.0.1"), "{error}");
            assert!(!error.report().contains("secret"), "{}", error.report());
        }
    }

    async fn what_the_browser_does_not_even_try_is_an_error() {
        let connector = WebSocketConnector::new("ws://[::zz]/?secret").unwrap();
        let error = connector.open().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(!error.report().contains("secret"), "{}", error.report());
    }

    async fn an_idle_connection_needs_no_timer() {
        let idle = open("/echo").await;
        let other = open("/stall/200").await;
        let timers = Timers::new();
        // The other end keeps the time here: nothing for 200 ms, then an answer.
        other.send(Bytes::new()).await.unwrap();
        assert_eq!(other.recv().await.unwrap(), Some(frame(b"0")));
        assert_eq!(timers.started(), 0);
        idle.send(frame(b"still there")).await.unwrap();
        assert_eq!(idle.recv().await.unwrap(), Some(frame(b"still there")));
        assert_eq!(timers.started(), 0, "nor does one that sends and receives");
        sleep(Duration::from_millis(1)).await;
        assert_eq!(timers.started(), 1, "they are counted");
    }
}

/// Whether `bufferedAmount` holds what a stalled peer has not taken. In the Linux port of Safari it falls to
/// nothing while the browser still has all of it; there is no help against that.
async fn browser_tells_what_it_buffers(bytes: usize) -> bool {
    let id = unique();
    let url = format!("{}/stall/1000?id={id}", server());
    let bare = WebSocket::new(&url).unwrap();
    assert!(eventually(|| bare.ready_state() == WebSocket::OPEN).await);
    bare.send_with_u8_array(&vec![0; bytes]).unwrap();
    sleep(Duration::from_millis(500)).await;
    let honest = bare.buffered_amount() > 0;
    bare.close().unwrap();
    end(&id).await;
    honest
}

/// Two ends in this browser, joined by the server.
struct Joined {
    left: WebSocketConnector,
    right: WebSocketConnector,
}

impl Joined {
    fn new() -> Self {
        let id = unique();
        let end = |side: &str| connector(&format!("/pair/{id}/{side}"));
        Self {
            left: end("left"),
            right: end("right"),
        }
    }
}

#[async_trait]
impl TransportFixture for Joined {
    /// Nothing is filled here: see `cannot`.
    fn bound(&self) -> usize {
        60
    }

    async fn connect(&self) -> Result<Box<dyn Transport>> {
        self.left.connect().await
    }

    async fn accept(&self) -> Result<Box<dyn Transport>> {
        let right = self.right.connect().await?;
        right.recv().await?;
        right.send(Bytes::new()).await?;
        Ok(right)
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(200)
    }

    fn cannot(&self) -> Vec<(&'static str, &'static str)> {
        if !has_websocket() {
            let why = "there is no WebSocket here";
            return transport::CHECKS
                .iter()
                .map(|check| (*check, why))
                .collect();
        }
        let why = "a browser reads whatever comes, so a peer that receives nothing does not make \
                   the send wait; above a bound it is cut off instead, which another test sees to";
        [
            "a_waiting_send_does_not_block_a_receive",
            "a_full_transport_makes_the_send_wait",
            "a_waiting_send_goes_on_when_the_peer_reads",
            "dropped_sends_do_not_pile_up",
            "a_send_dropped_when_full_is_sent_wholly_or_not_at_all",
            "a_waiting_send_ends_after_closing",
            "a_waiting_send_ends_when_the_peer_is_dropped",
        ]
        .map(|check| (check, why))
        .to_vec()
    }
}

transport_suite!(Joined::new());

/// Counts the timers that this program starts while it lives. (A driver of the browser may start
/// some of its own on the page.)
struct Timers {
    real: JsValue,
    count: Array,
}

impl Timers {
    fn new() -> Self {
        let real = Reflect::get(&js_sys::global(), &"setTimeout".into()).unwrap();
        let count = Array::new();
        let counting = Function::new_with_args(
            "real, count",
            "return (...args) => { \
                 if (new Error().stack.includes('wasm-bindgen-test')) count.push(args[1]); \
                 return real(...args); \
             }",
        );
        let counting = counting.call2(&JsValue::NULL, &real, &count).unwrap();
        Reflect::set(&js_sys::global(), &"setTimeout".into(), &counting).unwrap();
        Self { real, count }
    }

    fn started(&self) -> u32 {
        self.count.length()
    }
}

impl Drop for Timers {
    fn drop(&mut self) {
        let _ = Reflect::set(&js_sys::global(), &"setTimeout".into(), &self.real);
    }
}

/// The connector is a `Connect` in a box, too.
const _: fn(WebSocketConnector) -> Box<dyn Connect> = |connector| Box::new(connector);

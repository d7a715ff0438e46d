//! The transport keeps every promise of a transport, natively, over loopback: by answers that go on,
//! and by long polls.
#![cfg(not(target_arch = "wasm32"))]

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use choreo_core::queue::Queue;
use choreo_core::{Bytes, Connect, Result, Transport, async_trait};
use choreo_testkit::{TransportFixture, transport_suite};
use choreo_transport_fetch::{FetchAcceptor, FetchConnector, FetchTransport, Limits};

/// A server for each test, and who connects to it.
struct Loopback {
    listener: TcpListener,
    serving: AtomicBool,
    accepted: Arc<Queue<FetchTransport>>,
    limits: Limits,
    connector: FetchConnector,
}

impl Loopback {
    fn new(long_polls: bool) -> Self {
        Self::with(long_polls, Limits::default())
    }

    fn with(long_polls: bool, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
        let connector = FetchConnector::new(url).expect("an address").limits(limits);
        Self {
            listener,
            serving: AtomicBool::new(false),
            accepted: Arc::new(Queue::new(1024)),
            limits,
            connector: match long_polls {
                true => connector.long_polls(),
                false => connector,
            },
        }
    }

    /// Starts the server in the runtime of the test.
    fn serve(&self) {
        if self.serving.swap(true, Ordering::Relaxed) {
            return;
        }
        let listener = self.listener.try_clone().expect("a socket");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime");
        let (acceptor, accepted) = (
            FetchAcceptor::new().limits(self.limits),
            self.accepted.clone(),
        );
        let answer = async move |request: Request| {
            let serve = async move |transport| {
                let _ = accepted.send(transport).await;
            };
            acceptor.answer(request, serve).await
        };
        let app = Router::new().route("/", any(answer));
        tokio::spawn(async move { axum::serve(listener, app).await });
    }
}

#[async_trait]
impl TransportFixture for Loopback {
    /// What is not acknowledged, and what waits to be received.
    fn bound(&self) -> usize {
        (512 * 1024) / self.largest_frame()
    }

    async fn connect(&self) -> Result<Box<dyn Transport>> {
        self.serve();
        self.connector.connect().await
    }

    async fn accept(&self) -> Result<Box<dyn Transport>> {
        self.serve();
        Ok(Box::new(self.accepted.recv().await.expect("it is open")))
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(50)
    }
}

transport_suite!(streamed, Loopback::new(false));
transport_suite!(polled, Loopback::new(true));

/// Where a send soon waits, the other side is asked how far it has come, whatever the sizes.
#[tokio::test]
async fn large_frames_go_both_ways_through_a_narrow_window() {
    for long_polls in [false, true] {
        let loopback = Loopback::with(long_polls, Limits::default().high_water(64 * 1024));
        let (near, far) = futures::join!(loopback.connect(), loopback.accept());
        let (near, far) = (near.expect("a connection"), far.expect("its other end"));
        // Less than half of the window, then all of it.
        let size = |number: u8| {
            if number.is_multiple_of(2) {
                20_000
            } else {
                60_000
            }
        };
        let send = async |from: &dyn Transport| {
            for number in 0..100 {
                let frame = Bytes::from(vec![number; size(number)]);
                from.send(frame).await.expect("it is open");
            }
        };
        let receive = async |at: &dyn Transport| {
            for number in 0..100 {
                let frame = at.recv().await.expect("it is open").expect("a frame");
                assert_eq!((frame.len(), frame[0]), (size(number), number));
            }
        };
        let talk = async {
            futures::join!(send(&far), receive(&near));
            futures::join!(send(&near), send(&far), receive(&near), receive(&far));
        };
        let talked = tokio::time::timeout(Duration::from_secs(20), talk).await;
        talked.expect("nothing waits in vain");
    }
}

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
use choreo_core::{Connect, Result, Transport, async_trait};
use choreo_testkit::{TransportFixture, transport_suite};
use choreo_transport_fetch::{FetchAcceptor, FetchConnector, FetchTransport};

/// A server for each test, and who connects to it.
struct Loopback {
    listener: TcpListener,
    serving: AtomicBool,
    accepted: Arc<Queue<FetchTransport>>,
    connector: FetchConnector,
}

impl Loopback {
    fn new(long_polls: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
        let connector = FetchConnector::new(url).expect("an address");
        Self {
            listener,
            serving: AtomicBool::new(false),
            accepted: Arc::new(Queue::new(1024)),
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
        let (acceptor, accepted) = (FetchAcceptor::new(), self.accepted.clone());
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

//! The transport keeps every promise of a transport, natively, over loopback.
#![cfg(not(target_arch = "wasm32"))]

use std::net::TcpListener;
use std::time::Duration;

use choreo_core::{Connect, Result, Transport, async_trait};
use choreo_testkit::{TransportFixture, transport_suite};
use choreo_transport_websocket::{WebSocketAcceptor, WebSocketConnector};
use tokio::net::TcpStream;

/// A listener for each test, and who connects to it.
struct Loopback {
    listener: TcpListener,
    connector: WebSocketConnector,
}

impl Loopback {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let url = format!("ws://{}/", listener.local_addr().expect("it is bound"));
        Self {
            listener,
            connector: WebSocketConnector::new(url).expect("an address"),
        }
    }

    async fn next(&self) -> TcpStream {
        let listener = self.listener.try_clone().expect("a socket");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime");
        listener.accept().await.expect("a client").0
    }
}

#[async_trait]
impl TransportFixture for Loopback {
    /// The buffers of the sockets on both sides, and our own.
    fn bound(&self) -> usize {
        (32 << 20) / self.largest_frame()
    }

    async fn connect(&self) -> Result<Box<dyn Transport>> {
        self.connector.connect().await
    }

    async fn accept(&self) -> Result<Box<dyn Transport>> {
        let stream = self.next().await;
        Ok(Box::new(WebSocketAcceptor::new().accept(stream).await?))
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(50)
    }
}

transport_suite!(Loopback::new());

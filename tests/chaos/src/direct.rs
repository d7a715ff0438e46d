use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::serve::ListenerExt;
use choreo_core::queue::Queue;
use choreo_core::{RoleId, Transport};
use choreo_session::{Accepted, Acceptor, Anyone, Session, Terms};
use choreo_transport_fetch::FetchAcceptor;
use choreo_transport_websocket::WebSocketAcceptor;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::loopback;

/// A role that others call: an [`Acceptor`] behind a server on loopback.
pub struct Direct {
    address: SocketAddr,
    joined: Arc<Queue<Session>>,
    listening: JoinHandle<()>,
}

impl Direct {
    /// Listens as the role, for `WebSocket` connections.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(role: &impl RoleId, terms: Terms) -> Self {
        Self::listen(role, terms, web_sockets).await
    }

    /// Listens as the role, for the HTTP requests of `fetch`.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start_fetch(role: &impl RoleId, terms: Terms) -> Self {
        Self::listen(role, terms, requests).await
    }

    async fn listen<F>(
        role: &impl RoleId,
        terms: Terms,
        listen: impl FnOnce(TcpListener, Arc<Acceptor>, Arc<Queue<Session>>) -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((loopback(), 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let acceptor = Acceptor::new(role, Anyone, terms).expect("random numbers");
        let joined = Arc::new(Queue::new(64));
        let listening = listen(listener, Arc::new(acceptor), Arc::clone(&joined));
        let listening = tokio::spawn(listening);
        Self {
            address,
            joined,
            listening,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next role that has called for the first time.
    ///
    /// # Panics
    /// Never: it waits for as long as this lives.
    pub async fn joined(&self) -> Session {
        self.joined.recv().await.expect("nobody closes the queue")
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn web_sockets(listener: TcpListener, acceptor: Arc<Acceptor>, joined: Arc<Queue<Session>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, joined) = (Arc::clone(&acceptor), Arc::clone(&joined));
        tokio::spawn(async move {
            // A connection that is over says so later.
            let _ = stream.set_nodelay(true);
            if let Ok(transport) = WebSocketAcceptor::new().accept(stream).await {
                admit(transport, &acceptor, &joined).await;
            }
        });
    }
}

async fn requests(listener: TcpListener, acceptor: Arc<Acceptor>, joined: Arc<Queue<Session>>) {
    let fetch = FetchAcceptor::new();
    let answer = async move |request: Request| {
        let (acceptor, joined) = (Arc::clone(&acceptor), Arc::clone(&joined));
        let serve = async move |transport| admit(transport, &acceptor, &joined).await;
        fetch.answer(request, serve).await
    };
    let app = Router::new().fallback(answer);
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let _ = axum::serve(listener, app).await;
}

async fn admit(transport: impl Transport + 'static, acceptor: &Acceptor, joined: &Queue<Session>) {
    if let Ok(Accepted::Joined(session)) = acceptor.accept(transport).await {
        let _ = joined.send(session).await;
    }
}

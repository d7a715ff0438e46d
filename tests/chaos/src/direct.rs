use std::net::SocketAddr;
use std::sync::Arc;

use choreo_core::RoleId;
use choreo_core::queue::Queue;
use choreo_session::{Accepted, Acceptor, Anyone, Session, Terms};
use choreo_transport_websocket::WebSocketAcceptor;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A role that others call: an [`Acceptor`] behind a WebSocket server on loopback.
pub struct Direct {
    address: SocketAddr,
    joined: Arc<Queue<Session>>,
    listening: JoinHandle<()>,
}

impl Direct {
    /// Listens as the role.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(role: &impl RoleId, terms: Terms) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let acceptor = Acceptor::new(role, Anyone, terms).expect("random numbers");
        let joined = Arc::new(Queue::new(64));
        let listening = tokio::spawn(listen(listener, Arc::new(acceptor), Arc::clone(&joined)));
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

async fn listen(listener: TcpListener, acceptor: Arc<Acceptor>, joined: Arc<Queue<Session>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, joined) = (Arc::clone(&acceptor), Arc::clone(&joined));
        tokio::spawn(async move {
            // A connection that is over says so later.
            let _ = stream.set_nodelay(true);
            let Ok(transport) = WebSocketAcceptor::new().accept(stream).await else {
                return;
            };
            if let Ok(Accepted::Joined(session)) = acceptor.accept(transport).await {
                let _ = joined.send(session).await;
            }
        });
    }
}

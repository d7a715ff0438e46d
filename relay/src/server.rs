use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, StatusCode, header};
use choreo_core::runtime;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;
use tracing::{debug, warn};

use crate::Relay;
use crate::router::Entrance;

/// The most bytes of a request's head.
const MAX_HEAD: usize = 16 * 1024;
/// How long to wait when the system gives no connections, as when it has no more files.
const PAUSE: Duration = Duration::from_millis(100);

impl Relay {
    /// Serves [`router`](Self::router) to whoever connects, until the relay is drained. All the
    /// limits of the configuration hold from the moment of the connection on.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// # Cancel safety
    /// Nobody is accepted any more; connections that are there go on.
    pub async fn listen(&self, listener: TcpListener) {
        self.accept(listener, async |stream| Some(stream)).await;
    }

    /// As [`listen`](Self::listen), with TLS.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// # Cancel safety
    /// Nobody is accepted any more; connections that are there go on.
    #[cfg(feature = "tls")]
    pub async fn listen_tls(
        &self,
        listener: TcpListener,
        config: std::sync::Arc<tokio_rustls::rustls::ServerConfig>,
    ) {
        let acceptor = tokio_rustls::TlsAcceptor::from(config);
        let handshake = move |stream| {
            let handshake = acceptor.accept(stream);
            async move { handshake.await.ok() }
        };
        self.accept(listener, handshake).await;
    }

    /// Accepts connections, and serves each what `handshake` makes of it.
    async fn accept<S, F>(&self, listener: TcpListener, handshake: impl Fn(TcpStream) -> F)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = Option<S>> + Send + 'static,
    {
        let router = self.router();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = self.drained() => return,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    warn!(%error, "no connection could be accepted");
                    runtime::sleep(PAUSE).await;
                    continue;
                }
            };
            let Ok(pass) = self.enter(Some(address.ip())) else {
                debug!(%address, "no room");
                continue;
            };
            // Frames are gathered here already. A connection that is over says so later.
            let _ = stream.set_nodelay(true);
            let (router, handshake) = (router.clone(), handshake(stream));
            let limit = self.inner.config.greeting_time;
            tokio::spawn(async move {
                let serve = async {
                    if let Some(stream) = handshake.await {
                        http(stream, router, address, Entrance::new(pass)).await;
                    }
                };
                // A WebSocket is served apart; all else has to be done soon.
                let _ = runtime::timeout(limit, serve).await;
            });
        }
    }
}

/// Serves one request.
async fn http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    address: SocketAddr,
    entrance: Entrance,
) {
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(entrance.clone());
        request.extensions_mut().insert(ConnectInfo(address));
        let router = router.clone();
        async move {
            let mut response = router.oneshot(request).await?;
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        debug!(%address, %error, "connection broke");
    }
}

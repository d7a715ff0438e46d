use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Method, StatusCode, header};
use choreo_core::runtime;
use choreo_transport_fetch::FetchAcceptor;
use futures::future::{Either, select};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutWriter;
use tower::ServiceExt;
use tracing::{debug, warn};

use crate::Relay;
use crate::carriers::Socket;

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
            let (newcomer, limits) = (self.inner.config.greeting_time, self.patience());
            let socket = Socket::new(pass);
            tokio::spawn(async move {
                let serve = async {
                    if let Some(stream) = handshake.await {
                        http(stream, limits, router, address, &socket).await;
                    }
                };
                // A WebSocket is served apart; for all else a role vouches, or it has to be done soon.
                let vouched = runtime::timeout(newcomer, socket.vouched_for());
                let mut serve = pin!(serve);
                if let Either::Right((Ok(()), _)) = select(serve.as_mut(), pin!(vouched)).await {
                    serve.await;
                }
            });
        }
    }

    fn patience(&self) -> Patience {
        let config = &self.inner.config;
        Patience {
            request: config.silence,
            // Somewhat longer than the queue may be full: that has a code.
            write: config.stall + config.greeting_time,
        }
    }
}

/// How long a socket for which a role vouches may take.
#[derive(Clone, Copy)]
struct Patience {
    /// Until the next request is there with its whole head.
    request: Duration,
    /// Until the other side reads on.
    write: Duration,
}

/// Serves requests, until nobody vouches for the socket any more.
async fn http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    patience: Patience,
    router: Router,
    address: SocketAddr,
    socket: &Arc<Socket>,
) {
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Arc::clone(socket));
        request.extensions_mut().insert(ConnectInfo(address));
        let (router, preflight) = (router.clone(), request.method() == Method::OPTIONS);
        async move {
            let mut response = router.oneshot(request).await?;
            let goes_on = preflight
                || response.status() == StatusCode::SWITCHING_PROTOCOLS
                || response.headers().contains_key(FetchAcceptor::HEADER);
            if !goes_on {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(patience.write));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.request)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(Box::pin(stream)), service)
        .with_upgrades();
    let served = match select(pin!(connection), pin!(socket.retired())).await {
        Either::Left((served, _)) => served,
        Either::Right(((), mut connection)) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        debug!(%address, %error, "connection broke");
    }
}

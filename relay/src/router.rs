use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, State, WebSocketUpgrade};
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use choreo_core::{Transport, runtime};
use choreo_session::wire::{Code, MAX_BATCH};
use choreo_transport_websocket::{Limits, WebSocketAcceptor, WebSocketTransport};
use tracing::info;

use crate::Relay;
use crate::gate::Pass;

/// How long the other side may take to close.
const CLOSE: Duration = Duration::from_secs(2);
/// Room for the head of a frame.
const HEAD: usize = 1024;
/// What a connection may have waiting in buffers of its own.
const HIGH_WATER: usize = 16 * 1024;
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The pass of a connection that our own server has accepted, for its one request.
#[derive(Clone)]
pub(crate) struct Entrance(Arc<Mutex<Option<Pass>>>);

impl Relay {
    /// What to mount in a server: WebSocket connections at `/`, and for those who watch over it
    /// `/healthz` and `/metrics`.
    ///
    /// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`, so that newcomers are
    /// counted by address. The server must limit how long a request may take to arrive;
    /// [`listen`](Self::listen) does.
    ///
    /// ```no_run
    /// use std::net::SocketAddr;
    ///
    /// use axum::{Router, routing::get};
    /// use choreo_relay::{Relay, RelayConfig};
    /// use choreo_session::Anyone;
    ///
    /// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
    /// let relay = Relay::new(Anyone, RelayConfig::default())?;
    /// let app = Router::new()
    ///     .route("/", get("the game's page"))
    ///     .nest("/relay", relay.router());
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
    /// axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    /// # Ok(()) }
    /// ```
    pub fn router(&self) -> Router {
        let frame = self.inner.config.terms.limits.frame as usize;
        let limits = Limits::default()
            .max_frame(frame.max(MAX_BATCH) + HEAD)
            .high_water(HIGH_WATER)
            .close_timeout(CLOSE);
        let acceptor = WebSocketAcceptor::new().limits(limits);
        Router::new()
            .route("/", any(upgrade))
            .route("/healthz", get(health))
            .route("/metrics", get(metrics))
            .with_state((self.clone(), acceptor))
    }

    /// Whether a page of this origin may connect; programs that are no browsers name none.
    fn allows_origin(&self, headers: &HeaderMap) -> bool {
        let mut named = headers.get_all(header::ORIGIN).iter();
        match (named.next(), named.next()) {
            (None, _) => true,
            (Some(origin), None) => {
                let allowed = &self.inner.config.origins;
                allowed.iter().any(|allowed| allowed.as_bytes() == origin)
            }
            _ => false,
        }
    }
}

impl Entrance {
    pub(crate) fn new(pass: Pass) -> Self {
        Self(Arc::new(Mutex::new(Some(pass))))
    }

    fn take(&self) -> Option<Pass> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

async fn upgrade(
    State((relay, acceptor)): State<(Relay, WebSocketAcceptor)>,
    headers: HeaderMap,
    extensions: Extensions,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !relay.allows_origin(&headers) {
        relay.inner.metrics.refused(Code::Forbidden);
        info!(origin = ?headers.get(header::ORIGIN), "origin refused");
        let why = "pages of this origin may not connect; the relay's list of origins has others\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let entrance = extensions.get::<Entrance>().and_then(Entrance::take);
    let entered = entrance.map_or_else(|| relay.enter(address(&extensions)), Ok);
    match entered {
        Ok(pass) => acceptor.upgrade(upgrade, move |transport| serve(relay, transport, pass)),
        Err(abort) => {
            let why = format!("{}\n", abort.reason());
            (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
        }
    }
}

async fn serve(relay: Relay, transport: WebSocketTransport, mut pass: Pass) {
    let closed = match relay.attend(&transport, &mut pass).await {
        Ok(()) => transport.close().await,
        Err(abort) => {
            let code = abort.code().number();
            transport.close_with(code, abort.reason()).await
        }
    };
    if closed.is_ok() {
        // What is left unread would make the system throw away what the other side has not read.
        let drain = async { while let Ok(Some(_)) = transport.recv().await {} };
        let _ = runtime::timeout(CLOSE, drain).await;
    }
}

async fn health(State((relay, _)): State<(Relay, WebSocketAcceptor)>) -> Response {
    match relay.is_draining() {
        true => (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response(),
        false => "ok\n".into_response(),
    }
}

async fn metrics(State((relay, _)): State<(Relay, WebSocketAcceptor)>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, OPEN_METRICS)], relay.metrics())
}

fn address(extensions: &Extensions) -> Option<IpAddr> {
    let info = extensions.get::<ConnectInfo<SocketAddr>>();
    info.map(|ConnectInfo(address)| address.ip())
}

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, Request, State, WebSocketUpgrade};
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use choreo_core::{Transport, runtime};
use choreo_session::wire::{Abort, Code, MAX_BATCH};
use choreo_transport_fetch::{self as fetch, FetchAcceptor, FetchTransport};
use choreo_transport_websocket::{self as websocket, WebSocketAcceptor, WebSocketTransport};
use tracing::info;

use crate::Relay;
use crate::carriers::{Carried, Socket};
use crate::gate::Pass;

/// How long the other side may take to close.
const CLOSE: Duration = Duration::from_secs(2);
/// Room for the head of a frame.
const HEAD: usize = 1024;
/// What a connection may have waiting in buffers of its own.
const HIGH_WATER: usize = 16 * 1024;
/// As many bytes may be on their way over HTTP, where each has to be acknowledged: more than go at
/// once.
const HTTP_WINDOW: usize = 160 * 1024;
/// As many bytes may wait for the relay, which reads on and on.
const HTTP_INBOX: usize = 64 * 1024;
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a request meets.
#[derive(Clone)]
struct Doors {
    relay: Relay,
    websocket: WebSocketAcceptor,
    http: FetchAcceptor,
    carried: Carried,
}

impl Relay {
    /// What to mount in a server: roles connect at `/`, by WebSocket or over HTTP, and for those who
    /// watch over it there are
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
        let config = &self.inner.config;
        let frame = (config.terms.limits.frame as usize).max(MAX_BATCH) + HEAD;
        let over_websocket = websocket::Limits::default()
            .max_frame(frame)
            .high_water(HIGH_WATER)
            .close_timeout(CLOSE);
        let over_http = fetch::Limits::default()
            .max_frame(frame)
            .high_water(HTTP_WINDOW)
            .receive_queue(HTTP_INBOX)
            .close_timeout(CLOSE);
        // What cannot stand in a header is nobody's origin.
        let origins = config.origins.iter();
        let origins =
            origins.filter(|origin| *origin != "*" && HeaderValue::from_str(origin).is_ok());
        let doors = Doors {
            relay: self.clone(),
            websocket: WebSocketAcceptor::new().limits(over_websocket),
            http: FetchAcceptor::new()
                .connections(config.connections)
                .limits(over_http),
            carried: Carried::default(),
        };
        let entrance = any(enter)
            .layer(FetchAcceptor::cors(origins))
            .layer(from_fn_with_state(self.clone(), check_origin));
        Router::new()
            .route("/", entrance)
            .route("/healthz", get(health))
            .route("/metrics", get(metrics))
            .with_state(doors)
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

/// Comes first, before anything is said of what else would be wrong.
async fn check_origin(State(relay): State<Relay>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if relay.allows_origin(headers) {
        return next.run(request).await;
    }
    relay.inner.metrics.refused(Code::Forbidden);
    info!(origin = ?headers.get(header::ORIGIN), "origin refused");
    let why = "pages of this origin may not connect; the relay's list of origins has others\n";
    (StatusCode::FORBIDDEN, why).into_response()
}

/// A WebSocket, or a request of a connection over HTTP.
async fn enter(
    State(doors): State<Doors>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    match upgrade {
        Ok(upgrade) => doors.upgrade(upgrade, request.extensions()),
        Err(no) if request.headers().contains_key(header::UPGRADE) => no.into_response(),
        Err(_) => doors.answer(request).await,
    }
}

impl Doors {
    fn upgrade(&self, upgrade: WebSocketUpgrade, extensions: &Extensions) -> Response {
        let pass = extensions
            .get::<Arc<Socket>>()
            .and_then(|socket| socket.take_pass());
        let entered = pass.map_or_else(|| self.relay.enter(address(extensions)), Ok);
        match entered {
            Ok(pass) => {
                self.relay.inner.metrics.opened("websocket");
                let relay = self.relay.clone();
                let serve = |transport| websocket(relay, transport, pass);
                self.websocket.upgrade(upgrade, serve)
            }
            Err(abort) => no_room(&abort),
        }
    }

    async fn answer(&self, request: Request) -> Response {
        let Some(id) = FetchAcceptor::names(request.headers()) else {
            let why = "roles connect here, by WebSocket or by choreo's requests over HTTP\n";
            return (StatusCode::BAD_REQUEST, why).into_response();
        };
        let (mut pass, mut role) = (None, self.carried.get(id));
        if request.method() == Method::POST && self.http.opens(request.headers()) {
            let mut entered = match self.relay.enter(address(request.extensions())) {
                Ok(pass) => pass,
                Err(abort) => return no_room(&abort),
            };
            let begun = self.carried.begin(id);
            let inside = Arc::clone(&begun);
            entered.when_in(move || inside.let_in());
            (pass, role) = (Some(entered), Some(begun));
        }
        if let (Some(role), Some(socket)) = (&role, request.extensions().get()) {
            role.uses(socket);
        }
        let relay = self.relay.clone();
        let serve = async move |transport| {
            // Who opens has one.
            if let Some(pass) = pass {
                let _carried = role;
                relay.inner.metrics.opened("http");
                http(relay, transport, pass).await;
            }
        };
        self.http.answer(request, serve).await
    }
}

fn no_room(abort: &Abort) -> Response {
    let why = format!("{}\n", abort.reason());
    let soon = [(header::RETRY_AFTER, "1")];
    (StatusCode::SERVICE_UNAVAILABLE, soon, why).into_response()
}

/// Serves a role over a WebSocket, which says by its close code why it is closed.
async fn websocket(relay: Relay, transport: WebSocketTransport, mut pass: Pass) {
    let closed = match relay.attend(&transport, &mut pass).await {
        Ok(()) => transport.close().await,
        Err(abort) => {
            let code = abort.code().number();
            transport.close_with(code, abort.reason()).await
        }
    };
    if closed.is_ok() {
        read_to_end(&transport).await;
    }
}

/// Serves a role over HTTP; the last frame says why it is closed.
async fn http(relay: Relay, transport: FetchTransport, mut pass: Pass) {
    // It was told, and all the rest is in the log.
    let _ = relay.attend(&transport, &mut pass).await;
    if transport.close().await.is_ok() {
        read_to_end(&transport).await;
    }
}

/// What is left unread would make the system throw away what the other side has not read.
async fn read_to_end(transport: &dyn Transport) {
    let drain = async { while let Ok(Some(_)) = transport.recv().await {} };
    let _ = runtime::timeout(CLOSE, drain).await;
}

async fn health(State(Doors { relay, .. }): State<Doors>) -> Response {
    match relay.is_draining() {
        true => (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response(),
        false => "ok\n".into_response(),
    }
}

async fn metrics(State(Doors { relay, .. }): State<Doors>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, OPEN_METRICS)], relay.metrics())
}

fn address(extensions: &Extensions) -> Option<IpAddr> {
    let info = extensions.get::<ConnectInfo<SocketAddr>>();
    info.map(|ConnectInfo(address)| address.ip())
}

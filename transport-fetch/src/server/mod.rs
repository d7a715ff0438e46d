//! The server's side: requests of many clients, each told apart by the name of its connection.

mod answer;
mod connection;
mod down;
mod head;
mod stream;
mod table;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use choreo_core::{Bytes, runtime};
use tower_http::cors::CorsLayer;

use self::answer::{Refusal, answer, answer_with, refuse};
use self::connection::Connection;
use self::table::Table;
use crate::wire::{self, Ask, Decoder, Head, Record};
use crate::{FetchTransport, Limits};

/// How long a body may take to arrive.
const BODY: Duration = Duration::from_secs(10);
/// How long a request is held back while what it brought finds no room.
const HOLD: Duration = Duration::from_secs(20);
/// How long a poll waits for something to come.
const POLL: Duration = Duration::from_secs(25);
/// How often others get their turn before a request is answered: who was waiting for what it
/// brought can then give an answer that goes with it.
const ANSWERS_AT_ONCE: usize = 8;
/// How long browsers may remember what is allowed.
const PREFLIGHT: Duration = Duration::from_secs(2 * 60 * 60);

/// Accepts what a connector opens, natively, behind axum.
///
/// ```no_run
/// use axum::{Router, extract::Request, routing::any};
/// use choreo_core::Transport;
/// use choreo_transport_fetch::{FetchAcceptor, FetchTransport};
///
/// async fn echo(transport: FetchTransport) {
///     while let Ok(Some(frame)) = transport.recv().await {
///         if transport.send(frame).await.is_err() {
///             break;
///         }
///     }
/// }
///
/// let acceptor = FetchAcceptor::new();
/// let app: Router = Router::new()
///     .route("/echo", any(async move |request: Request| acceptor.answer(request, echo).await))
///     .layer(FetchAcceptor::cors(["https://game.example"]));
/// ```
///
/// It is cheap to clone: all clones know the same connections.
///
/// # Who is there
/// Anyone, from any page that the layer for CORS lets through, and from any program. Authenticate in
/// the first message. The server should limit how long a request's head may take to arrive.
#[derive(Clone)]
pub struct FetchAcceptor {
    table: Arc<Table>,
    limits: Limits,
}

/// Tells connections apart. It shows nothing: who knew the name would own the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId(wire::Id);

impl Default for FetchAcceptor {
    fn default() -> Self {
        Self::new()
    }
}

impl FetchAcceptor {
    /// How many connections there may be at once, unless said otherwise.
    pub const DEFAULT_CONNECTIONS: usize = 20_000;

    /// The header that each request has, and each answer of the acceptor's own.
    pub const HEADER: &str = wire::HEADER;

    /// An acceptor with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self {
            table: Table::new(Self::DEFAULT_CONNECTIONS),
            limits: Limits::default(),
        }
    }

    /// What a connection may take.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How many connections there may be at once. It begins anew, without any.
    #[must_use]
    pub fn connections(mut self, most: usize) -> Self {
        self.table = Table::new(most);
        self
    }

    /// What lets pages of these origins ask, each exactly as browsers write it
    /// (`https://game.example`): a layer for the route. Browsers remember it for two hours.
    ///
    /// It keeps browsers from handing answers to other pages; whom it answers is the server's to say.
    ///
    /// # Panics
    /// If an origin cannot stand in a header.
    pub fn cors<O: AsRef<str>>(origins: impl IntoIterator<Item = O>) -> CorsLayer {
        let origins = origins.into_iter().map(|origin| {
            let origin = origin.as_ref();
            match HeaderValue::from_str(origin) {
                Ok(value) => value,
                Err(_) => panic!("`{}` is no origin", origin.escape_debug()),
            }
        });
        let own = HeaderName::from_static(wire::HEADER);
        CorsLayer::new()
            .allow_origin(origins.collect::<Vec<_>>())
            .allow_methods([Method::GET, Method::POST])
            .allow_headers([own.clone(), header::CONTENT_TYPE, header::CACHE_CONTROL])
            .expose_headers([own, header::RETRY_AFTER])
            .max_age(PREFLIGHT)
    }

    /// The connection to which a request with these headers belongs, which need not be there; `None`
    /// if it belongs to none.
    #[must_use]
    pub fn names(headers: &HeaderMap) -> Option<ConnectionId> {
        Head::of(headers).map(|head| ConnectionId(head.id))
    }

    /// Whether a request with these headers would open a connection that is not there yet.
    #[must_use]
    pub fn opens(&self, headers: &HeaderMap) -> bool {
        Head::of(headers)
            .is_some_and(|head| head.ask == Ask::Open && self.table.get(head.id).is_none())
    }

    /// Answers a request. One that opens a connection gives it to `serve`, which runs in a task of
    /// its own.
    ///
    /// # Cancel safety
    /// As the requests of a client that is gone: what it brought wholly was taken.
    pub async fn answer<F, T>(&self, request: Request, serve: F) -> Response
    where
        F: FnOnce(FetchTransport) -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        let Some(head) = Head::of(request.headers()) else {
            let why = format!("the header {} is missing, or is none", wire::HEADER);
            return refuse(StatusCode::BAD_REQUEST, &why, None);
        };
        let method = match head.ask {
            Ask::Open | Ask::Send { .. } => Method::POST,
            Ask::Stream { .. } | Ask::Poll { .. } => Method::GET,
        };
        if request.method() != method {
            let why = "this is asked for by another method";
            return refuse(StatusCode::METHOD_NOT_ALLOWED, why, None);
        }
        if method == Method::POST
            && let Err(refusal) = check_body(request.headers())
        {
            return refusal.into_response();
        }
        let connection = || {
            self.table.get(head.id).ok_or_else(|| {
                let why = "this connection is not there, or is there no more";
                Refusal::new(StatusCode::NOT_FOUND, why)
            })
        };
        let answered = async {
            match head.ask {
                Ask::Open => Ok(self.open(head, serve)),
                Ask::Send { first, next } => {
                    let body = request.into_body();
                    self.take(&connection()?, first, next, body).await
                }
                Ask::Stream { turn, next } => stream::stream(&connection()?, turn, next),
                Ask::Poll { turn, next } => stream::poll(&connection()?, turn, next, POLL).await,
            }
        };
        answered.await.unwrap_or_else(IntoResponse::into_response)
    }

    fn open<F, T>(&self, head: Head, serve: F) -> Response
    where
        F: FnOnce(FetchTransport) -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        match self.table.open(head.id, self.limits) {
            Some((connection, true)) => {
                let table = Arc::clone(&self.table);
                runtime::spawn(async move {
                    let served = serve(FetchTransport::new(connection.pipe.clone()));
                    let ended = async {
                        connection.ended().await;
                        table.remove(head.id);
                    };
                    futures::future::join(served, ended).await;
                });
            }
            Some((_, false)) => {}
            None => {
                let why = "too many connections; come back later";
                return refuse(StatusCode::SERVICE_UNAVAILABLE, why, Some(0));
            }
        }
        answer(StatusCode::NO_CONTENT, 0, Body::empty())
    }

    /// Takes in what a request brings, as far as there is room.
    async fn take(
        &self,
        connection: &Arc<Connection>,
        first: u64,
        next: u64,
        body: Body,
    ) -> Result<Response, Refusal> {
        let (pipe, _here) = (&connection.pipe, connection.here());
        pipe.acked(next).map_err(|end| connection.break_off(end))?;
        let body = self.receive(body).await?;
        let mut decoder = Decoder::default();
        decoder.push(&body);
        let take = async {
            let mut number = first;
            loop {
                match decoder.next(self.limits.max_frame) {
                    Ok(None) if decoder.is_empty() => return Ok(()),
                    Ok(None) => {
                        let why = "the body ends within a frame";
                        return Err(Refusal::new(StatusCode::BAD_REQUEST, why));
                    }
                    Ok(Some(Record::Ask)) => {}
                    Ok(Some(Record::At(at))) => number = at,
                    Ok(Some(Record::Item(item))) => {
                        let taken = pipe.take(number, item).await;
                        taken.map_err(|end| connection.break_off(end))?;
                        number += 1;
                    }
                    Err(size) => {
                        let limit = self.limits.max_frame;
                        let end = crate::end::too_large_received(size.0, limit);
                        return Err(connection.break_off_as(StatusCode::PAYLOAD_TOO_LARGE, end));
                    }
                }
            }
        };
        if let Ok(taken) = runtime::timeout(HOLD, take).await {
            taken?;
        }
        let hold = connection.hold();
        for _ in 0..ANSWERS_AT_ONCE {
            if hold.has_more() {
                break;
            }
            runtime::yield_now().await;
        }
        Ok(match hold.offer(stream::BATCH) {
            Some(batch) => {
                let first = batch.first;
                answer_with(pipe.next(), first, stream::records(pipe, batch, first))
            }
            None => answer(StatusCode::NO_CONTENT, pipe.next(), Body::empty()),
        })
    }

    /// The body, which has a limit in size and in time.
    async fn receive(&self, body: Body) -> Result<Bytes, Refusal> {
        let most = self.limits.max_body();
        let too_large = || {
            let why = format!("the body is above the limit of {most} bytes");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, &why)
        };
        if body.size_hint().lower() > most as u64 {
            return Err(too_large());
        }
        let received = runtime::timeout(BODY, to_bytes(body, most)).await;
        let late = |_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body took too long");
        received.map_err(late)?.map_err(|error| {
            let source = std::error::Error::source(&error);
            let above =
                source.is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
            match above {
                true => too_large(),
                false => Refusal::new(StatusCode::BAD_REQUEST, "the body did not come wholly"),
            }
        })
    }
}

/// A body is bytes, as they are, of a length that is told: whatever stands before this server sees
/// the same end of it.
fn check_body(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        let why = "bodies have a length (content-length, and no transfer-encoding)";
        return Err(Refusal::new(StatusCode::LENGTH_REQUIRED, why));
    }
    let unsupported = |why| Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    if headers.contains_key(header::CONTENT_ENCODING) {
        return unsupported("bodies are not encoded (content-encoding)");
    }
    match headers.get(header::CONTENT_TYPE) {
        Some(kind) if kind == wire::CONTENT_TYPE => Ok(()),
        _ => unsupported("bodies are of the type application/octet-stream (content-type)"),
    }
}

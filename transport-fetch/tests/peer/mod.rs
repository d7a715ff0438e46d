//! An HTTP server that behaves as its address says: well, badly, or not at all.
//!
//! | path | what it does |
//! |---|---|
//! | `/echo` | sends back what it gets |
//! | `/take` | takes what it gets |
//! | `/held` | an echo behind something that gathers an answer before it passes it on: one that goes on never comes |
//! | `/lost` | an echo that does what is asked, and cuts every other connection before the answer |
//! | `/repeated` | an echo that gets each request twice |
//! | `/early` | an echo whose answers end after a little |
//! | `/torn` | an echo of which every other answer is cut off in the middle |
//! | `/large/<bytes>` | sends one frame of that size |
//! | `/flood/<frames>/<bytes>` | sends so many frames |
//! | `/busy/<times>` | an echo that answers 503 to so many requests after the opening |
//! | `/forgetful` | is open, and then knows nothing of it |
//! | `/stuck` | is open, and then answers nothing |
//! | `/silent` | answers nothing |
//! | `/refuse/<status>` | answers with that status |
//! | `/bytes` | tells how many bytes a plain `POST` has brought |
//! | `/pair/<id>/left`, `/pair/<id>/right` | joins each left one with the next right one, which gets an empty frame and answers it first |
//! | `/end/<id>` | tells how the connection ended whose address had `?id=<id>` |
//! | `/gone/<id>` | waits until it has no request there, and tells how many it had at most at once |
//!
//! Pages of any address may ask.

use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use choreo_core::{Bytes, Transport};
use choreo_transport_fetch::{FetchAcceptor, FetchTransport};
use futures::{StreamExt, stream};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tower_http::cors::AllowOrigin;

/// The server.
#[derive(Clone, Default)]
struct Peer {
    acceptor: FetchAcceptor,
    board: Arc<Mutex<Board>>,
}

/// What connections leave for each other.
#[derive(Default)]
struct Board {
    /// How those with an id ended.
    ends: HashMap<String, String>,
    /// How many requests those with an id have: now, and at most.
    requests: HashMap<String, (usize, usize)>,
    /// How many requests there were after the opening, by connection.
    counts: HashMap<HeaderValue, usize>,
    /// Left ones that no right one has joined yet, by id.
    left: HashMap<String, VecDeque<FetchTransport>>,
}

/// Instead of this answer, the connection ends.
#[derive(Clone)]
struct Cut;

/// Serves until the listener fails.
pub(crate) async fn serve(listener: TcpListener) -> io::Result<()> {
    let peer = Peer::default();
    let cors = FetchAcceptor::cors([""; 0]).allow_origin(AllowOrigin::mirror_request());
    let app = Router::new()
        .fallback(async move |request: Request| peer.answer(request).await)
        .layer(cors);
    let app = TowerToHyperService::new(app);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let app = app.clone();
        let answer = service_fn(move |request: hyper::Request<Incoming>| {
            let answering = app.call(request);
            async move {
                let response = answering.await.unwrap_or_else(|never| match never {});
                match response.extensions().get::<Cut>() {
                    Some(Cut) => Err(io::ErrorKind::ConnectionAborted),
                    None => Ok(response),
                }
                .map_err(io::Error::from)
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}

impl Peer {
    async fn answer(&self, request: Request) -> Response {
        let id = request
            .uri()
            .query()
            .and_then(|query| query.strip_prefix("id="));
        let id = id.unwrap_or_default().to_owned();
        let path = request.uri().path().to_owned();
        let words: Vec<&str> = path.split('/').skip(1).collect();
        if id.is_empty() {
            return self.behave(request, &words, &id).await;
        }
        let there = There::new(self, &id);
        let response = self.behave(request, &words, &id).await;
        // It is there for as long as its answer's body is.
        response.map(|body| {
            let body = body.into_data_stream().map(move |bytes| {
                let _ = &there;
                bytes
            });
            Body::from_stream(body)
        })
    }

    async fn behave(&self, request: Request, words: &[&str], id: &str) -> Response {
        let head = request.headers().get("choreo-v1").cloned();
        let (ask, name) = head.as_ref().map(parts).unwrap_or_default();
        let count = match ask {
            "open" | "" => 0,
            _ => self.count(name),
        };
        match (words, ask) {
            (["silent"], _) => pending().await,
            (["stuck"], "send" | "stream" | "poll") => pending().await,
            (["forgetful"], "send" | "stream" | "poll") => {
                let name = HeaderValue::from_static("0");
                let mut response = StatusCode::NOT_FOUND.into_response();
                response.headers_mut().insert("choreo-v1", name);
                response
            }
            (["refuse", status], _) => {
                let status = StatusCode::from_bytes(status.as_bytes());
                let status = status.unwrap_or(StatusCode::IM_A_TEAPOT);
                (status, "not\u{7} today").into_response()
            }
            (["busy", times], "send" | "stream" | "poll") if count <= number(times) => {
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
            (["bytes"], _) => match to_bytes(request.into_body(), 1 << 20).await {
                Ok(bytes) => bytes.len().to_string().into_response(),
                Err(_) => StatusCode::BAD_REQUEST.into_response(),
            },
            (["held"], "stream") => {
                let _held = self.accept(request, words, id).await;
                pending().await
            }
            (["lost"], "send" | "stream" | "poll") if count % 2 == 1 => {
                let mut response = self.accept(request, words, id).await;
                response.extensions_mut().insert(Cut);
                response
            }
            (["repeated"], "open" | "send" | "stream" | "poll") => {
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
                let again = Request::from_parts(parts.clone(), Body::from(body.clone()));
                let request = Request::from_parts(parts, Body::from(body));
                let _first = self.accept(request, words, id).await;
                self.accept(again, words, id).await
            }
            (["early"], "stream") => {
                let response = self.accept(request, words, id).await;
                response.map(|body| Body::from_stream(body.into_data_stream().take(2)))
            }
            (["torn"], "stream") if count % 2 == 1 => {
                let response = self.accept(request, words, id).await;
                response.map(|body| Body::from_stream(torn(body)))
            }
            _ => self.accept(request, words, id).await,
        }
    }

    /// Has the acceptor answer, and plays the server's side of a connection that this opens.
    async fn accept(&self, request: Request, words: &[&str], id: &str) -> Response {
        let peer = self.clone();
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let id = id.to_owned();
        let serve = async move |transport| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let end = peer.talk(transport, &words).await;
            if !id.is_empty() {
                peer.board().ends.insert(id, end);
            }
        };
        self.acceptor.answer(request, serve).await
    }

    /// Plays one connection, and tells how it ended.
    async fn talk(&self, transport: FetchTransport, words: &[&str]) -> String {
        match words {
            ["large", bytes] => {
                let _ = transport.send(Bytes::from(vec![7; number(bytes)])).await;
            }
            ["flood", frames, bytes] => {
                for _ in 0..number(frames) {
                    let _ = transport.send(Bytes::from(vec![7; number(bytes)])).await;
                }
            }
            ["end", id] => {
                let end = self.look(|board| board.ends.remove(*id)).await;
                let _ = transport.send(Bytes::from(end)).await;
            }
            ["gone", id] => {
                let most = |board: &mut Board| match board.requests.get(*id) {
                    Some((0, most)) => Some(most.to_string()),
                    _ => None,
                };
                let most = self.look(most).await;
                let _ = transport.send(Bytes::from(most)).await;
            }
            ["pair", id, "left"] => {
                let mut board = self.board();
                board
                    .left
                    .entry((*id).to_owned())
                    .or_default()
                    .push_back(transport);
                return "joined".to_owned();
            }
            ["pair", id, "right"] => return self.join(transport, id).await,
            ["take"] => {
                let mut total = 0;
                return loop {
                    match transport.recv().await {
                        Ok(Some(frame)) => total += frame.len(),
                        Ok(None) => break format!("closed after {total} bytes"),
                        Err(error) => break error.to_string(),
                    }
                };
            }
            _ => {}
        }
        loop {
            match transport.recv().await {
                Ok(Some(frame)) => {
                    if let Err(error) = transport.send(frame).await {
                        return error.to_string();
                    }
                }
                Ok(None) => return "closed".to_owned(),
                Err(error) => return error.to_string(),
            }
        }
    }

    /// Waits for a left one, and carries everything between it and this right one.
    async fn join(&self, right: FetchTransport, id: &str) -> String {
        let left = loop {
            if let Some(left) = self.board().left.get_mut(id).and_then(VecDeque::pop_front) {
                break left;
            }
            if timeout(Duration::from_millis(2), right.recv())
                .await
                .is_ok()
            {
                return "nobody came".to_owned();
            }
        };
        // It may have gone meanwhile: then the left one is for the next.
        let _ = right.send(Bytes::new()).await;
        if !matches!(right.recv().await, Ok(Some(_))) {
            let mut board = self.board();
            board
                .left
                .entry(id.to_owned())
                .or_default()
                .push_front(left);
            return "left early".to_owned();
        }
        futures::join!(carry(&left, &right), carry(&right, &left));
        "joined".to_owned()
    }

    /// Looks again and again, for ten seconds.
    async fn look(&self, mut at: impl FnMut(&mut Board) -> Option<String>) -> String {
        for _ in 0..1_000 {
            let seen = at(&mut self.board());
            if let Some(seen) = seen {
                return seen;
            }
            sleep(Duration::from_millis(10)).await;
        }
        "still there".to_owned()
    }

    /// Counts the requests of a connection, from 1 on.
    fn count(&self, name: &str) -> usize {
        let Ok(name) = HeaderValue::from_str(name) else {
            return 0;
        };
        let mut board = self.board();
        let count = board.counts.entry(name).or_default();
        *count += 1;
        *count
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request with an id, for as long as it is there.
struct There {
    peer: Peer,
    id: String,
}

impl There {
    fn new(peer: &Peer, id: &str) -> Self {
        let mut board = peer.board();
        let (now, most) = board.requests.entry(id.to_owned()).or_default();
        *now += 1;
        *most = (*most).max(*now);
        drop(board);
        Self {
            peer: peer.clone(),
            id: id.to_owned(),
        }
    }
}

impl Drop for There {
    fn drop(&mut self) {
        if let Some((now, _)) = self.peer.board().requests.get_mut(&self.id) {
            *now -= 1;
        }
    }
}

async fn carry(from: &FetchTransport, to: &FetchTransport) {
    while let Ok(Some(frame)) = from.recv().await {
        if to.send(frame).await.is_err() {
            break;
        }
    }
    let _ = to.close().await;
}

/// What is asked for, and the name of the connection.
fn parts(head: &HeaderValue) -> (&str, &str) {
    let mut words = head.to_str().unwrap_or_default().split(' ');
    let ask = words.next().unwrap_or_default();
    (ask, words.next().unwrap_or_default())
}

/// Passes the beginning on, and then half of what comes.
fn torn(body: Body) -> impl stream::Stream<Item = io::Result<Bytes>> {
    let pieces = body.into_data_stream().take(2).enumerate();
    let pieces = pieces.map(|(place, bytes)| {
        let bytes = bytes.map_err(io::Error::other)?;
        Ok(match place {
            0 => bytes,
            _ => bytes.slice(..bytes.len() / 2),
        })
    });
    pieces.chain(stream::iter([Err(io::ErrorKind::ConnectionAborted.into())]))
}

fn number(word: &str) -> usize {
    word.parse().unwrap_or_default()
}

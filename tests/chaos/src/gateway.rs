use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, BodyStream, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::CONTENT_LENGTH;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, sleep_until};

use crate::Cut;

/// Stands between clients and a server of HTTP on loopback, passes requests on, and treats each as its
/// manner is.
///
/// Each request is passed on wholly, by a connection of its own. Dropping it leaves what is on its way.
pub struct Gateway {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
}

/// How a [`Gateway`] treats requests: those that send something, and all others, each by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It passes them on.
    Kind,
    /// Of each three it passes one on and answers that the server gave no answer (502), passes one on
    /// and cuts the connection, and does neither with the third.
    LosesAnswers,
    /// Of each three it does not pass one on, and says that it could not (503).
    LosesRequests,
    /// It passes each on twice, the second time at once, and gives the first answer.
    RepeatsFirst,
    /// The same, and gives the second answer.
    RepeatsSecond,
    /// It passes each on, and again after so long.
    Replays(Duration),
    /// It holds each back, before and after it is passed on, some longer than others.
    Delays(Duration),
    /// It gives no answer before it has it wholly.
    Buffers,
    /// It ends what goes on for longer.
    EndsAfter(Duration, Cut),
    /// It ends what has more bytes.
    EndsAfterBytes(usize, Cut),
}

struct Shared {
    to: SocketAddr,
    manner: Manner,
    /// Those that send something, and the others.
    sending: AtomicU64,
    asking: AtomicU64,
}

type Error = Box<dyn std::error::Error + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, Error>;

impl Gateway {
    /// In front of a server.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(to: SocketAddr, manner: Manner) -> Self {
        let listener = TcpListener::bind((to.ip(), 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            to,
            manner,
            sending: AtomicU64::new(0),
            asking: AtomicU64::new(0),
        });
        let listening = tokio::spawn(listen(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            listening,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests came so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        let all = [&self.shared.sending, &self.shared.asking];
        all.map(|requests| requests.load(Ordering::SeqCst))
            .iter()
            .sum()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            let service = service_fn(move |request| Arc::clone(&shared).answer(request));
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            // Who is cut sees it.
            let _ = connection.await;
        });
    }
}

impl Shared {
    /// The answer to a request; an error cuts the connection.
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Body>, Error> {
        // Counted by themselves: else those of one kind might all be lost, in step with the other's.
        let requests = match request.method() {
            &Method::POST => &self.sending,
            _ => &self.asking,
        };
        let number = requests.fetch_add(1, Ordering::SeqCst);
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let request = Request::from_parts(head, body);
        let pass_on = || pass_on(self.to, request.clone());
        match self.manner {
            Manner::Kind => pass_on().await,
            Manner::LosesAnswers => match number % 3 {
                0 => pass_on().await,
                lost => {
                    let answer = pass_on().await?;
                    if request.method() == Method::POST {
                        answer.into_body().collect().await?;
                    }
                    match lost {
                        1 => Ok(refusal(StatusCode::BAD_GATEWAY)),
                        _ => Err("the answer is lost".into()),
                    }
                }
            },
            Manner::LosesRequests => match number % 3 {
                1 => Ok(refusal(StatusCode::SERVICE_UNAVAILABLE)),
                _ => pass_on().await,
            },
            Manner::RepeatsFirst | Manner::RepeatsSecond => {
                let (first, second) = tokio::try_join!(pass_on(), pass_on())?;
                let (answer, other) = match self.manner {
                    Manner::RepeatsFirst => (first, second),
                    _ => (second, first),
                };
                tokio::spawn(other.into_body().collect());
                Ok(answer)
            }
            Manner::Replays(after) => {
                let again = pass_on();
                tokio::spawn(async move {
                    sleep(after).await;
                    again.await?.into_body().collect().await
                });
                pass_on().await
            }
            Manner::Delays(most) => {
                // Evenly, and the same each time.
                let share = |number: u64| most.mul_f64((number * 7 % 11) as f64 / 10.0);
                sleep(share(number)).await;
                let answer = pass_on().await?;
                sleep(share(number + 5)).await;
                Ok(answer)
            }
            Manner::Buffers => {
                let (head, body) = pass_on().await?.into_parts();
                let whole = Full::new(body.collect().await?.to_bytes());
                let whole = whole.map_err(|never: Infallible| match never {});
                Ok(Response::from_parts(head, whole.boxed_unsync()))
            }
            Manner::EndsAfter(time, cut) => {
                let until = sleep_until(tokio::time::Instant::now() + time);
                let answer = pass_on().await?;
                Ok(end(answer, cut, |body| body.take_until(until).boxed()))
            }
            Manner::EndsAfterBytes(most, cut) => {
                let answer = pass_on().await?;
                Ok(end(answer, cut, |body| first_bytes(body, most).boxed()))
            }
        }
    }
}

type Pieces = stream::BoxStream<'static, Result<Bytes, Error>>;

/// An answer of which only a part comes through.
fn end(answer: Response<Body>, cut: Cut, part: impl FnOnce(Pieces) -> Pieces) -> Response<Body> {
    let (mut head, body) = answer.into_parts();
    head.headers.remove(CONTENT_LENGTH);
    let data = BodyStream::new(body).filter_map(async |frame| match frame {
        Ok(frame) => frame.into_data().ok().map(Ok),
        Err(error) => Some(Err(error)),
    });
    let whole = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = Arc::clone(&whole);
    let data = data.chain(stream::poll_fn(move |_| {
        seen.store(true, Ordering::SeqCst);
        std::task::Poll::Ready(None)
    }));
    let last = stream::once(async move {
        match cut {
            Cut::Reset if !whole.load(Ordering::SeqCst) => {
                // What came before goes out first.
                sleep(Duration::from_millis(1)).await;
                Some(Err(Error::from("it was cut")))
            }
            _ => None,
        }
    });
    let last = last.filter_map(async |last| last);
    let pieces = part(data.boxed()).chain(last);
    let body = StreamBody::new(pieces.map(|piece| piece.map(Frame::data)));
    Response::from_parts(head, body.boxed_unsync())
}

/// The pieces up to so many bytes.
fn first_bytes(pieces: Pieces, most: usize) -> impl stream::Stream<Item = Result<Bytes, Error>> {
    stream::unfold((pieces, most), async |(mut pieces, left)| {
        if left == 0 {
            return None;
        }
        let mut piece = pieces.next().await?;
        let mut left = left;
        if let Ok(piece) = &mut piece {
            piece.truncate(left);
            left -= piece.len();
        }
        Some((piece, (pieces, left)))
    })
}

/// Makes a request of the server, by a connection of its own.
async fn pass_on(to: SocketAddr, request: Request<Bytes>) -> Result<Response<Body>, Error> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let answer = sender.send_request(request.map(Full::new)).await?;
    Ok(answer.map(|body| body.map_err(Error::from).boxed_unsync()))
}

fn refusal(status: StatusCode) -> Response<Body> {
    let empty = Empty::new().map_err(|never: Infallible| match never {});
    let mut response = Response::new(empty.boxed_unsync());
    *response.status_mut() = status;
    response
}

//! A WebSocket server that behaves as its address says: well, badly, or not at all.
//!
//! | path | what it does |
//! |---|---|
//! | `/echo` | sends back what it gets |
//! | `/protocol` | chooses the last subprotocol that is offered |
//! | `/ping` | pings three times, and sends a frame after the third answer |
//! | `/text` | sends a text message |
//! | `/large/<bytes>` | sends one frame of that size |
//! | `/flood/<frames>/<bytes>` | sends so many frames at once |
//! | `/stall/<ms>` | reads nothing for so long, then tells how many bytes came |
//! | `/close/<code>/<reason>` | closes after the first frame |
//! | `/bare-close` | closes after the first frame, without a code |
//! | `/vanish` | ends the connection after the first frame, without a close frame |
//! | `/reset` | resets the connection after the first frame |
//! | `/deaf` | never answers a close |
//! | `/silent` | does not answer the handshake |
//! | `/refuse/<status>` | answers with that status |
//! | `/pair/<id>/left`, `/pair/<id>/right` | joins each left one with the next right one, which gets an empty frame and answers it first |
//! | `/end/<id>` | tells how the connection ended whose address had `?id=<id>` |

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

type Socket = WebSocketStream<TcpStream>;

/// What connections leave for each other.
#[derive(Default)]
struct Board {
    /// How those with an id ended.
    ends: HashMap<String, String>,
    /// Left ones that no right one has joined yet, by id.
    left: HashMap<String, VecDeque<Socket>>,
}

type Shared = Arc<Mutex<Board>>;

/// Serves until the listener fails.
pub(crate) async fn serve(listener: TcpListener) -> io::Result<()> {
    let board = Shared::default();
    loop {
        let (stream, _) = listener.accept().await?;
        let board = board.clone();
        tokio::spawn(async move {
            stream.set_nodelay(true)?;
            let target = target(&stream).await?;
            let (path, id) = target.split_once("?id=").unwrap_or((&target, ""));
            let words: Vec<&str> = path.split('/').skip(1).collect();
            let end = behave(stream, &words, &board).await;
            if !id.is_empty() {
                locked(&board).ends.insert(id.to_owned(), end);
            }
            io::Result::Ok(())
        });
    }
}

fn locked(board: &Shared) -> MutexGuard<'_, Board> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The path and query of the request, which stays in the socket.
async fn target(stream: &TcpStream) -> io::Result<String> {
    let mut head = [0; 2048];
    loop {
        let length = stream.peek(&mut head).await?;
        let text = String::from_utf8_lossy(&head[..length]);
        if let Some((line, _)) = text.split_once("\r\n") {
            let target = line.split(' ').nth(1);
            return Ok(target.unwrap_or_default().to_owned());
        }
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        sleep(Duration::from_millis(1)).await;
    }
}

/// Plays one connection, and tells how it ended.
async fn behave(mut stream: TcpStream, words: &[&str], board: &Shared) -> String {
    match words {
        ["silent"] => {
            sleep(Duration::from_secs(30)).await;
            return "silent".to_owned();
        }
        ["refuse", status] => {
            let answer = format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
            return "refused".to_owned();
        }
        _ => {}
    }
    #[expect(clippy::result_large_err, reason = "the type is tungstenite's")]
    let choose = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        let name = "sec-websocket-protocol";
        let offered = request
            .headers()
            .get(name)
            .and_then(|offered| offered.to_str().ok());
        let last = offered.and_then(|offered| offered.rsplit(',').next());
        if let Some(last) = last.and_then(|last| last.trim().parse().ok()) {
            response.headers_mut().insert(name, last);
        }
        Ok(response)
    };
    match accept_hdr_async(stream, choose).await {
        Ok(socket) if words.ends_with(&["left"]) => {
            let mut board = locked(board);
            board
                .left
                .entry(words[1].to_owned())
                .or_default()
                .push_back(socket);
            "joined".to_owned()
        }
        Ok(socket) if words.ends_with(&["right"]) => join(socket, words[1], board).await,
        Ok(mut socket) => match talk(&mut socket, words, board).await {
            Ok(()) => finish(&mut socket).await,
            Err(End(end)) => end,
        },
        Err(error) => format!("no handshake: {error}"),
    }
}

/// How a connection ended.
struct End(String);

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

/// What the path asks for.
async fn talk(socket: &mut Socket, words: &[&str], board: &Shared) -> Result<(), End> {
    match words {
        ["ping"] => {
            for _ in 0..3 {
                socket
                    .send(Message::Ping(b"are you there"[..].into()))
                    .await?;
                while let Some(message) = socket.next().await {
                    if message?.is_pong() {
                        break;
                    }
                }
            }
            socket.send(Message::Binary(b"pong"[..].into())).await?;
        }
        ["text"] => socket.send(Message::text("no frame")).await?,
        ["large", bytes] => {
            let frame = vec![7; number(bytes)];
            socket.send(Message::binary(frame)).await?;
        }
        ["flood", frames, bytes] => {
            for _ in 0..number(frames) {
                let frame = vec![7; number(bytes)];
                socket.feed(Message::binary(frame)).await?;
            }
            socket.flush().await?;
        }
        ["stall", millis] => {
            sleep(Duration::from_millis(number(millis) as u64)).await;
            let mut total = 0_usize;
            while let Some(message) = socket.next().await {
                let message = message?;
                if message.is_empty() {
                    break;
                }
                total += message.len();
            }
            socket
                .send(Message::binary(total.to_string().into_bytes()))
                .await?;
        }
        ["close", code, reason] => {
            first(socket).await;
            let code = (number(code) as u16).into();
            let reason = (*reason).into();
            socket
                .send(Message::Close(Some(CloseFrame { code, reason })))
                .await?;
        }
        ["bare-close"] => {
            first(socket).await;
            socket.send(Message::Close(None)).await?;
        }
        ["vanish"] => {
            first(socket).await;
            socket.get_mut().shutdown().await?;
        }
        ["reset"] => {
            first(socket).await;
            socket.get_mut().set_zero_linger()?;
            return Err(End("reset".to_owned()));
        }
        ["deaf"] => {
            sleep(Duration::from_secs(30)).await;
        }
        ["end", id] => {
            let mut end = None;
            for _ in 0..1_000 {
                end = locked(board).ends.remove(*id);
                if end.is_some() {
                    break;
                }
                sleep(Duration::from_millis(10)).await;
            }
            let end = end.unwrap_or_else(|| "still there".to_owned());
            socket.send(Message::binary(end.into_bytes())).await?;
        }
        _ => echo(socket).await?,
    }
    Ok(())
}

async fn echo(socket: &mut Socket) -> Result<(), End> {
    while let Some(message) = socket.next().await {
        match message? {
            Message::Close(frame) => {
                socket.flush().await?;
                return Err(End(described(frame)));
            }
            message if message.is_binary() => socket.send(message).await?,
            _ => {}
        }
    }
    Ok(())
}

/// Waits for a left one, and carries everything between it and this right one.
async fn join(mut right: Socket, id: &str, board: &Shared) -> String {
    let left = loop {
        if let Some(left) = locked(board).left.get_mut(id).and_then(VecDeque::pop_front) {
            break left;
        }
        let gone = tokio::time::timeout(Duration::from_millis(2), right.next()).await;
        if gone.is_ok() {
            return "nobody came".to_owned();
        }
    };
    // It may have gone meanwhile: then the left one is for the next.
    let _ = right.send(Message::binary("")).await;
    if !matches!(right.next().await, Some(Ok(Message::Binary(_)))) {
        let mut board = locked(board);
        board
            .left
            .entry(id.to_owned())
            .or_default()
            .push_front(left);
        return "left early".to_owned();
    }
    let (to_left, from_left) = left.split();
    let (to_right, from_right) = right.split();
    futures::join!(carry(from_left, to_right), carry(from_right, to_left));
    "joined".to_owned()
}

async fn carry(mut from: SplitStream<Socket>, mut to: SplitSink<Socket, Message>) {
    // Reading on after a close sends the answer to it.
    while let Some(Ok(message)) = from.next().await {
        if message.is_binary() || message.is_close() {
            let _ = to.send(message).await;
        }
    }
    let _ = to.close().await;
}

/// Waits for the first frame.
async fn first(socket: &mut Socket) {
    while let Some(Ok(message)) = socket.next().await {
        if message.is_binary() {
            break;
        }
    }
}

/// Reads to the end, and tells the close code and reason.
async fn finish(socket: &mut Socket) -> String {
    while let Some(message) = socket.next().await {
        match message {
            Ok(Message::Close(frame)) => {
                let _ = socket.flush().await;
                return described(frame);
            }
            Ok(_) => {}
            Err(error) => return error.to_string(),
        }
    }
    "no close frame".to_owned()
}

fn described(frame: Option<CloseFrame>) -> String {
    match frame {
        Some(frame) => format!("{} {}", u16::from(frame.code), frame.reason),
        None => "1005 ".to_owned(),
    }
}

fn number(word: &str) -> usize {
    word.parse().unwrap_or_default()
}

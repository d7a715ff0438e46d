//! A relay on a port of its own, and a bare client that speaks frames.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use choreo_core::Transport;
use choreo_relay::{Relay, RelayConfig};
use choreo_session::wire::{Code, Flags, Frame, Hello, Kind, VERSION, Welcome};
use choreo_session::{Authority, Limits, Session, SessionConfig};
use choreo_transport_fetch::FetchConnector;
use choreo_transport_websocket::WebSocketConnector;
use futures::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// The program.
#[cfg(feature = "cli")]
pub(crate) const PROGRAM: choreo_chaos::Program<'_> =
    choreo_chaos::Program::at(env!("CARGO_BIN_EXE_choreo-relay"));

/// The longest that anything takes here.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// A relay that listens.
pub(crate) struct Server {
    pub(crate) relay: Relay,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) async fn start(authority: impl Authority + 'static, config: RelayConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let relay = Relay::new(authority, config).unwrap();
        let listening = relay.clone();
        tokio::spawn(async move { listening.listen(listener).await });
        Self { relay, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    pub(crate) fn http_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What a path says, as HTTP.
    pub(crate) async fn get(&self, path: &str) -> String {
        get(self.address, path).await
    }

    /// A counter or gauge, with its labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(0.0, |value| value.trim().parse().unwrap())
    }

    /// A connection that has said nothing yet.
    pub(crate) async fn dial(&self) -> Client {
        Client::dial(self.address).await
    }

    /// A role that was let in without a token.
    pub(crate) async fn join(&self, session: &str, role: &str, peers: &[&str]) -> Client {
        let mut client = self.dial().await;
        client.hello(&hello(session, role, peers)).await;
        client.welcome().await;
        client
    }
}

/// What a path says, as HTTP.
pub(crate) async fn get(address: SocketAddr, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: relay\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

/// What a role says first; each has a process of its own.
pub(crate) fn hello(session: &str, role: &str, peers: &[&str]) -> Hello {
    static INSTANCES: AtomicU64 = AtomicU64::new(1);
    Hello {
        versions: vec![VERSION],
        fingerprint: 0,
        session: session.to_owned(),
        role: role.to_owned(),
        instance: INSTANCES.fetch_add(1, Ordering::Relaxed).into(),
        epoch: 1,
        token: Some(String::new()),
        peers: peers.iter().map(|peer| (*peer).to_owned()).collect(),
        limits: Limits::default(),
    }
}

pub(crate) fn hello_frame(hello: &Hello) -> Frame {
    Frame::new(Kind::Hello, 0).with_payload(postcard::to_allocvec(hello).unwrap())
}

pub(crate) fn data(peer: u32, seq: u64, payload: impl Into<Bytes>) -> Frame {
    let mut frame = Frame::new(Kind::Data, peer).with_payload(payload);
    frame.seq = seq;
    frame
}

pub(crate) fn ask(peer: u32) -> Frame {
    let mut frame = Frame::new(Kind::Ack, peer).with_payload(7_u128.to_le_bytes().to_vec());
    frame.flags = Flags::REWIND.with(Flags::SYNC);
    (frame.ack, frame.credit) = (1, 256);
    frame
}

/// A bare client: WebSocket and frames, nothing that would help the relay.
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<TcpStream>,
    rest: Bytes,
    ended: Ended,
}

/// How a connection ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The code of the ABORT, if there was one.
    pub(crate) abort: Option<u64>,
    pub(crate) reason: String,
    /// The close code of the WebSocket.
    pub(crate) close: Option<u16>,
}

impl Client {
    pub(crate) async fn dial(address: SocketAddr) -> Self {
        Self::dial_from("127.0.0.1", address).await
    }

    /// From another address of this machine.
    pub(crate) async fn dial_from(from: &str, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        let from = SocketAddr::new(from.parse::<IpAddr>().unwrap(), 0);
        socket.bind(from).unwrap();
        let stream = socket.connect(address).await.unwrap();
        Self::over(stream, address, &[]).await.unwrap()
    }

    pub(crate) async fn over(
        stream: TcpStream,
        address: SocketAddr,
        origins: &[&str],
    ) -> Result<Self, Error> {
        let mut request = format!("ws://{address}").into_client_request()?;
        for origin in origins {
            let origin = origin.parse().unwrap();
            request.headers_mut().append("origin", origin);
        }
        let (socket, _) = client_async(request, stream).await?;
        Ok(Self {
            socket,
            rest: Bytes::new(),
            ended: Ended::default(),
        })
    }

    pub(crate) async fn hello(&mut self, hello: &Hello) {
        self.send(&hello_frame(hello)).await;
    }

    pub(crate) async fn welcome(&mut self) -> Welcome {
        let frame = self.frame().await;
        assert_eq!(frame.kind, Kind::Welcome, "{:?}", frame.payload);
        postcard::from_bytes(&frame.payload).unwrap()
    }

    pub(crate) async fn send(&mut self, frame: &Frame) {
        self.bytes(frame.to_bytes()).await;
    }

    pub(crate) async fn send_all(&mut self, frames: &[Frame]) {
        let mut out = BytesMut::new();
        frames.iter().for_each(|frame| frame.encode(&mut out));
        self.bytes(out.freeze()).await;
    }

    pub(crate) async fn bytes(&mut self, bytes: impl Into<Bytes>) {
        self.message(Message::Binary(bytes.into())).await;
    }

    pub(crate) async fn message(&mut self, message: Message) {
        // The relay may have closed already; what it says is what counts.
        let _ = self.socket.send(message).await;
    }

    /// The next frame, or how it ended.
    pub(crate) async fn next(&mut self) -> Result<Frame, Ended> {
        timeout(LONG, self.read())
            .await
            .expect("something comes in time")
    }

    /// The next frame.
    pub(crate) async fn frame(&mut self) -> Frame {
        self.next().await.unwrap()
    }

    /// How the connection ends, whatever comes before.
    pub(crate) async fn ended(&mut self) -> Ended {
        loop {
            if let Err(ended) = self.next().await {
                return ended;
            }
        }
    }

    /// Dropping it loses nothing.
    async fn read(&mut self) -> Result<Frame, Ended> {
        loop {
            while let Some(frame) = Frame::decode(&mut self.rest, 1 << 20).unwrap() {
                if frame.kind != Kind::Abort {
                    assert_eq!(self.ended.abort, None, "nothing comes after an ABORT");
                    return Ok(frame);
                }
                self.ended.abort = Some(frame.seq);
                self.ended.reason = String::from_utf8(frame.payload.to_vec()).unwrap();
            }
            match self.socket.next().await {
                Some(Ok(Message::Binary(bytes))) => self.rest = bytes,
                Some(Ok(Message::Close(frame))) => {
                    self.ended.close = frame.map(|frame| frame.code.into());
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(std::mem::take(&mut self.ended)),
            }
        }
    }
}

/// Who speaks frames with a relay, one way or the other.
pub(crate) trait Speaks {
    async fn send(&mut self, frame: &Frame);

    async fn frame(&mut self) -> Frame;
}

impl Speaks for Client {
    async fn send(&mut self, frame: &Frame) {
        Self::send(self, frame).await;
    }

    async fn frame(&mut self) -> Frame {
        Self::frame(self).await
    }
}

/// A relay, and two who talk by it whatever others do.
pub(crate) struct Scene<A> {
    pub(crate) server: Server,
    pub(crate) alice: A,
    pub(crate) bob: Client,
    said: u64,
}

impl<A: Speaks> Scene<A> {
    /// Alice is in, in the session `quiet`; Bob joins her.
    pub(crate) async fn of(server: Server, alice: A) -> Self {
        let bob = server.join("quiet", "Bob", &["Alice"]).await;
        let mut scene = Self {
            server,
            alice,
            bob,
            said: 0,
        };
        scene.others_go_on().await;
        scene
    }

    /// They hear each other, and nothing else.
    pub(crate) async fn others_go_on(&mut self) {
        self.said += 1;
        let frame = data(1, self.said, "hello");
        self.alice.send(&frame).await;
        assert_eq!(self.bob.frame().await, frame);
        self.bob.send(&frame).await;
        assert_eq!(self.alice.frame().await, frame);
    }
}

impl Ended {
    /// It was refused with that code, as a frame and as a close code.
    #[track_caller]
    pub(crate) fn is(&self, code: Code) -> &str {
        assert_eq!(self.abort, Some(code.number().into()), "{self:?}");
        assert_eq!(self.close, Some(code.number()), "{self:?}");
        &self.reason
    }
}

/// A whole session, as programs have it.
pub(crate) async fn session(url: &str, config: SessionConfig) -> Session {
    let connector = WebSocketConnector::new(url).unwrap();
    Session::join(connector, config).await.unwrap()
}

/// The same over HTTP.
pub(crate) async fn http_session(url: &str, config: SessionConfig) -> Session {
    let connector = FetchConnector::new(url).unwrap();
    Session::join(connector, config).await.unwrap()
}

/// Sends numbers there and back.
pub(crate) async fn talk(alice: &Session, bob: &Session, rounds: u32) {
    let (to_bob, to_alice) = (alice.peer(&"Bob").unwrap(), bob.peer(&"Alice").unwrap());
    let pings = async {
        for number in 0..rounds {
            let message = Bytes::copy_from_slice(&number.to_le_bytes());
            to_bob.send(message.clone()).await.unwrap();
            assert_eq!(to_bob.recv().await.unwrap(), Some(message));
        }
    };
    let pongs = async {
        for _ in 0..rounds {
            let message = to_alice.recv().await.unwrap().unwrap();
            to_alice.send(message).await.unwrap();
        }
    };
    let run = timeout(LONG, async { futures::join!(pings, pongs) });
    let run = run.await;
    assert!(run.is_ok(), "{:?} {:?}", alice.status(), bob.status());
}

/// Leaves in order.
pub(crate) async fn close(alice: Session, bob: Session) {
    futures::try_join!(alice.close(), bob.close()).unwrap();
}

/// Stands between roles and a relay, and breaks what goes through it.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: watch::Sender<(u64, bool)>,
}

impl Proxy {
    pub(crate) async fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = watch::Sender::new((0, true));
        let seen = state.subscribe();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut seen = seen.clone();
                let (cuts, up) = *seen.borrow_and_update();
                if !up {
                    continue;
                }
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(to).await.unwrap();
                    let cut = seen.wait_for(|state| *state != (cuts, up));
                    tokio::select! {
                        _ = cut => {}
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    }
                    // Whatever is under way is lost.
                    let _ = near.set_zero_linger();
                    let _ = far.set_zero_linger();
                });
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Breaks all connections.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|(cuts, _)| *cuts += 1);
    }

    /// Breaks all connections and lets nobody through, or somebody again.
    pub(crate) fn let_through(&self, up: bool) {
        self.state.send_modify(|state| state.1 = up);
    }
}

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::Poll;

use choreo_core::{Bytes, ErrorKind, Result, Transport, async_trait};
use futures::{Sink, Stream};

use crate::sink_stream::{BoxError, SinkStream};
use crate::turns::Turns;
use crate::{IntoFrame, SessionMetadata, SimpleChannel};

/// The way to one peer: what carries the frames, whatever it is.
///
/// Registered with [`RumpsteakEndpoint::register_session`](crate::RumpsteakEndpoint::register_session).
/// It is a [`Transport`] itself, and cheap to clone: clones are the same session, which ends when
/// the last one is dropped. Any number of tasks may use it at once.
#[derive(Clone)]
pub struct RumpsteakSession {
    shared: Arc<Shared>,
}

struct Shared {
    way: Box<dyn Transport>,
    transport: &'static str,
    sent: AtomicU64,
    received: AtomicU64,
    closed: AtomicBool,
}

impl RumpsteakSession {
    /// A session over a sink and a stream, such as the two halves of a WebSocket.
    ///
    /// The sink takes anything that can be made of [`Bytes`] (`Vec<u8>`, `BytesMut` ..), the
    /// stream yields anything that is [`IntoFrame`]: bytes, or a `Result` of bytes. Each item is
    /// one frame, so a byte stream wants a codec that keeps their bounds. (Where a sink takes items of
    /// several types, `split` is to say of which.)
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> choreo_core::Result<()> {
    /// use choreo_core::{Bytes, Transport};
    /// use choreo_handler_rumpsteak::RumpsteakSession;
    /// use futures::StreamExt;
    /// use tokio_util::codec::{Framed, LengthDelimitedCodec};
    ///
    /// let (left, right) = tokio::io::duplex(1024); // or two `TcpStream`s
    /// let [alice, bob] = [left, right].map(|io| {
    ///     let (sink, stream) = Framed::new(io, LengthDelimitedCodec::new()).split::<Bytes>();
    ///     RumpsteakSession::from_sink_stream(sink, stream)
    /// });
    /// alice.send(Bytes::from("frame")).await?;
    /// assert_eq!(bob.recv().await?, Some(Bytes::from("frame")));
    /// # Ok(()) }
    /// ```
    ///
    /// What carries messages of its own, as a WebSocket of `tokio-tungstenite` does, is adapted by
    /// `with` and `filter_map`:
    ///
    /// ```
    /// # #[derive(Debug)] enum Message { Binary(Bytes), Ping(Bytes) }
    /// # type WsError = futures::channel::mpsc::SendError;
    /// use choreo_core::Bytes;
    /// use choreo_handler_rumpsteak::RumpsteakSession;
    /// use futures::future::ready;
    /// use futures::{Sink, SinkExt, Stream, StreamExt};
    ///
    /// fn session(
    ///     writer: impl Sink<Message, Error = WsError> + Send + 'static,
    ///     reader: impl Stream<Item = Result<Message, WsError>> + Send + 'static,
    /// ) -> RumpsteakSession {
    ///     let writer = writer.with(|frame: Bytes| ready(Ok::<_, WsError>(Message::Binary(frame))));
    ///     let reader = reader.filter_map(|message| ready(match message {
    ///         Ok(Message::Binary(frame)) => Some(Ok(frame)),
    ///         Ok(_) => None, // pings and pongs
    ///         Err(error) => Some(Err(error)),
    ///     }));
    ///     RumpsteakSession::from_sink_stream(writer, reader)
    /// }
    /// # let (to, from) = futures::channel::mpsc::channel(1);
    /// # let _ = session(to, from.map(Ok)); let _ = Message::Ping(Bytes::new());
    /// ```
    ///
    /// # Closing, failing, dropping
    /// The end of the stream says that the peer has closed. An `Err` of the stream is an error of
    /// one receive. An error of the sink is of kind [`Closed`](ErrorKind::Closed) where it says
    /// that nobody receives any more (a broken pipe, a channel without its receiver), else of kind
    /// [`Transport`](ErrorKind::Transport).
    ///
    /// A send waits for room and until the sink is flushed. Dropped before there is room, it sends
    /// nothing; after that the sink has the whole frame, which goes out with the next send or with
    /// `close`. How much is under way is the sink's bound.
    pub fn from_sink_stream<T, Si, St>(sink: Si, stream: St) -> Self
    where
        T: From<Bytes> + 'static,
        Si: Sink<T, Error: Into<BoxError>> + Send + 'static,
        St: Stream<Item: IntoFrame> + Send + 'static,
    {
        let transport = SinkStream::<T, Si, St>::new(sink, stream);
        Self::new(Box::new(transport), std::any::type_name::<Si>())
    }

    /// A session over any [`Transport`].
    ///
    /// Receives come one at a time, and one that is dropped goes on in the next: so any number of
    /// tasks may receive, and a transport whose own receive is not cancel-safe loses nothing. One that
    /// [takes turns](Transport::takes_turns) itself is used as it is.
    pub fn from_transport<T: Transport + 'static>(transport: T) -> Self {
        let way: Box<dyn Transport> = match transport.takes_turns() {
            true => Box::new(transport),
            false => Box::new(Turns::new(transport)),
        };
        Self::new(way, std::any::type_name::<T>())
    }

    fn new(way: Box<dyn Transport>, transport: &'static str) -> Self {
        Self {
            shared: Arc::new(Shared {
                way,
                transport,
                sent: AtomicU64::new(0),
                received: AtomicU64::new(0),
                closed: AtomicBool::new(false),
            }),
        }
    }

    /// What is known of it so far.
    #[must_use]
    pub fn metadata(&self) -> SessionMetadata {
        SessionMetadata {
            transport: self.shared.transport,
            sent: self.shared.sent.load(Relaxed),
            received: self.shared.received.load(Relaxed),
            is_closed: self.shared.closed.load(Relaxed),
        }
    }

    /// Sends if that needs no waiting; else gives what [`send_frame`](Self::send_frame) takes.
    pub(crate) fn try_send_frame(&self, frame: Bytes) -> Result<Option<(Self, Bytes)>> {
        match self.shared.way.try_send(frame) {
            Ok(Some(frame)) => Ok(Some((self.clone(), frame))),
            Ok(None) => {
                self.note_sent(&Ok(()));
                Ok(None)
            }
            Err(error) => {
                let failed = Err(error);
                self.note_sent(&failed);
                failed.map(|()| None)
            }
        }
    }

    /// Takes a frame that is there already.
    pub(crate) fn try_recv_frame(&self) -> Poll<Result<Option<Bytes>>> {
        let received = self.shared.way.try_recv();
        if let Poll::Ready(received) = &received {
            self.note_received(received);
        }
        received
    }

    /// As [`Transport::send`], without a box of its own.
    pub(crate) async fn send_frame(&self, frame: Bytes) -> Result<()> {
        let sent = self.shared.way.send(frame).await;
        self.note_sent(&sent);
        sent
    }

    /// As [`Transport::recv`], without a box of its own.
    pub(crate) async fn recv_frame(&self) -> Result<Option<Bytes>> {
        let received = self.shared.way.recv().await;
        self.note_received(&received);
        received
    }

    fn note_received(&self, received: &Result<Option<Bytes>>) {
        match received {
            Ok(Some(_)) => {
                self.shared.received.fetch_add(1, Relaxed);
            }
            Ok(None) => self.note_closed(),
            Err(_) => {}
        }
    }

    fn note_sent(&self, sent: &Result<()>) {
        match sent {
            Ok(()) => {
                self.shared.sent.fetch_add(1, Relaxed);
            }
            Err(error) if error.kind() == ErrorKind::Closed => self.note_closed(),
            Err(_) => {}
        }
    }

    fn note_closed(&self) {
        self.shared.closed.store(true, Relaxed);
    }
}

#[async_trait]
impl Transport for RumpsteakSession {
    async fn send(&self, frame: Bytes) -> Result<()> {
        self.send_frame(frame).await
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        self.recv_frame().await
    }

    async fn close(&self) -> Result<()> {
        self.note_closed();
        self.shared.way.close().await
    }

    fn try_send(&self, frame: Bytes) -> Result<Option<Bytes>> {
        let sent = self.try_send_frame(frame)?;
        Ok(sent.map(|(_, frame)| frame))
    }

    fn try_recv(&self) -> Poll<Result<Option<Bytes>>> {
        self.try_recv_frame()
    }

    fn takes_turns(&self) -> bool {
        true
    }
}

impl From<SimpleChannel> for RumpsteakSession {
    fn from(channel: SimpleChannel) -> Self {
        Self::new(Box::new(channel), "SimpleChannel")
    }
}

impl fmt::Debug for RumpsteakSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.metadata().fmt(f)
    }
}

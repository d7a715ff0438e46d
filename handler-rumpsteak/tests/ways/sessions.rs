//! What a session makes of sinks, streams and transports that are not as they should be.

use std::collections::VecDeque;
use std::io;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use choreo_core::queue::Queue;
use choreo_core::{
    Bytes, ChoreoHandlerExt, Error, ErrorKind, Result, Transport, async_trait, runtime,
};
use choreo_handler_rumpsteak::{
    RumpsteakEndpoint, RumpsteakHandler, RumpsteakSession, SimpleChannel,
};
use futures::channel::mpsc;
use futures::stream::{self, FuturesUnordered};
use futures::{FutureExt, Sink, SinkExt, StreamExt, TryStreamExt};

#[cfg(not(target_arch = "wasm32"))]
use tokio::test;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn frame(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

/// A transport that keeps its promises no better than it must not: a receive takes a frame and
/// pauses, and two receives at once are refused.
struct Careless {
    frames: Queue<Bytes>,
    receiving: AtomicBool,
}

#[async_trait]
impl Transport for Careless {
    async fn send(&self, frame: Bytes) -> Result<()> {
        self.frames.send(frame).await.map_err(|closed| {
            Error::new(ErrorKind::Closed, "the loop is closed").with_source(closed)
        })
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        if self.receiving.swap(true, SeqCst) {
            return Err(Error::new(ErrorKind::Config, "two receives at once"));
        }
        let taken = self.frames.recv().await.ok();
        runtime::yield_now().await;
        self.receiving.store(false, SeqCst);
        Ok(taken)
    }

    async fn close(&self) -> Result<()> {
        self.frames.close();
        Ok(())
    }
}

fn careless() -> RumpsteakSession {
    RumpsteakSession::from_transport(Careless {
        frames: Queue::new(8),
        receiving: AtomicBool::new(false),
    })
}

#[test]
async fn a_transport_that_is_not_cancel_safe_loses_nothing() {
    let session = careless();
    for text in ["one", "two", "three"] {
        session.send(frame(text)).await.unwrap();
    }
    for due in ["one", "two", "three"] {
        // Takes the frame, and is dropped while it pauses.
        assert!(session.recv().now_or_never().is_none());
        assert_eq!(session.recv().await.unwrap(), Some(frame(due)));
    }
    // One that waits is dropped before the frame comes.
    assert!(session.recv().now_or_never().is_none());
    session.send(frame("four")).await.unwrap();
    assert_eq!(session.recv().await.unwrap(), Some(frame("four")));
}

#[test]
async fn several_tasks_may_receive_from_any_session() {
    let (left, right) = SimpleChannel::pair();
    let (to, from) = mpsc::channel::<Vec<u8>>(8);
    for (sending, receiving) in [
        (left.into(), right.into()),
        {
            let careless = careless();
            (careless.clone(), careless)
        },
        {
            let session = RumpsteakSession::from_sink_stream(to, from);
            (session.clone(), session)
        },
    ] {
        let sending: RumpsteakSession = sending;
        let receiving: RumpsteakSession = receiving;
        let mut dropped = Box::pin(receiving.recv());
        assert!(futures::poll!(dropped.as_mut()).is_pending());
        let receives = [(); 3].map(|()| receiving.recv());
        let sends = async {
            runtime::yield_now().await;
            // Whoever was first in the row goes: the others must not wait behind.
            drop(dropped);
            for text in ["one", "two", "three"] {
                sending.send(frame(text)).await?;
            }
            Ok::<(), Error>(())
        };
        let (received, sent) = futures::join!(futures::future::try_join_all(receives), sends);
        sent.unwrap();
        let mut received: Vec<_> = received.unwrap().into_iter().flatten().collect();
        received.sort_unstable();
        assert_eq!(received, [frame("one"), frame("three"), frame("two")]);
    }
}

#[test]
async fn an_error_of_the_stream_is_one_error() {
    let items: Vec<Result<Vec<u8>, io::Error>> = vec![
        Ok(b"one".to_vec()),
        Err(io::Error::other("checksum")),
        Ok(b"two".to_vec()),
    ];
    let sink = futures::sink::drain::<Bytes>();
    let session = RumpsteakSession::from_sink_stream(sink, stream::iter(items));
    assert_eq!(session.recv().await.unwrap(), Some(frame("one")));
    let error = session.recv().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert_eq!(error.report(), "the stream failed: checksum");
    assert_eq!(session.recv().await.unwrap(), Some(frame("two")));
    for _ in 0..3 {
        assert_eq!(session.recv().await.unwrap(), None);
    }
}

#[test]
async fn an_error_of_our_own_comes_as_it_is() {
    let sink = futures::sink::unfold((), |(), _: Bytes| async {
        Err::<(), _>(Error::new(ErrorKind::Timeout, "late"))
    });
    let items = stream::iter([Err::<Bytes, _>(Error::new(ErrorKind::Timeout, "later"))]);
    let session = RumpsteakSession::from_sink_stream(sink, items);
    let error = session.send(frame("one")).await.unwrap_err();
    assert_eq!((error.kind(), error.detail()), (ErrorKind::Timeout, "late"));
    let error = session.recv().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.detail()),
        (ErrorKind::Timeout, "later")
    );
}

#[test]
async fn a_sink_that_fails_says_whether_the_peer_has_closed() {
    let fails = |kind: io::ErrorKind| {
        let sink = futures::sink::unfold((), move |(), _: Bytes| async move {
            Err::<(), _>(io::Error::from(kind))
        });
        RumpsteakSession::from_sink_stream(sink, stream::pending::<Bytes>())
    };
    for (io, due) in [
        (io::ErrorKind::BrokenPipe, ErrorKind::Closed),
        (io::ErrorKind::ConnectionReset, ErrorKind::Transport),
    ] {
        let error = fails(io).send(frame("one")).await.unwrap_err();
        assert_eq!(error.kind(), due, "{error:?}");
        assert!(!error.is_transient());
    }
    // The stream has ended: the peer has closed, though the sink would take more.
    let sink = futures::sink::drain::<Bytes>();
    let session = RumpsteakSession::from_sink_stream(sink, stream::empty::<Bytes>());
    assert_eq!(session.recv().await.unwrap(), None);
    let error = session.send(frame("one")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

/// A sink that keeps what it is given until it is flushed, which it can be held back from.
#[derive(Clone, Default)]
struct Buffered(Arc<Mutex<Buffers>>);

#[derive(Default)]
struct Buffers {
    held_back: bool,
    given: VecDeque<Bytes>,
    out: Vec<Bytes>,
    closed: usize,
}

impl Buffered {
    fn look<T>(&self, at: impl FnOnce(&mut Buffers) -> T) -> T {
        at(&mut self.0.lock().unwrap())
    }
}

impl Sink<Bytes> for Buffered {
    type Error = io::Error;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, frame: Bytes) -> io::Result<()> {
        self.look(|buffers| buffers.given.push_back(frame));
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.look(|buffers| {
            if buffers.held_back {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let given = std::mem::take(&mut buffers.given);
            buffers.out.extend(given);
            Poll::Ready(Ok(()))
        })
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sink = self.clone();
        self.poll_flush(context).map_ok(|()| {
            sink.look(|buffers| buffers.closed += 1);
        })
    }
}

fn buffered() -> (Buffered, RumpsteakSession) {
    let sink = Buffered::default();
    let session = RumpsteakSession::from_sink_stream(sink.clone(), stream::pending::<Bytes>());
    (sink, session)
}

#[test]
async fn what_a_dropped_send_gave_to_the_sink_goes_out_with_the_next() {
    let (sink, session) = buffered();
    sink.look(|buffers| buffers.held_back = true);
    assert!(session.send(frame("one")).now_or_never().is_none());
    sink.look(|buffers| buffers.held_back = false);
    session.send(frame("two")).await.unwrap();
    assert_eq!(sink.look(|b| b.out.clone()), [frame("one"), frame("two")]);
}

#[test]
async fn closing_flushes_and_ends_a_send_that_waits() {
    let (sink, session) = buffered();
    sink.look(|buffers| buffers.held_back = true);
    let mut waiting = pin!(session.send(frame("one")));
    assert!(futures::poll!(waiting.as_mut()).is_pending());
    let mut behind = pin!(session.send(frame("two")));
    assert!(futures::poll!(behind.as_mut()).is_pending());
    let released = async {
        runtime::yield_now().await;
        sink.look(|buffers| buffers.held_back = false);
    };
    let (waiting, behind, closed, ()) = futures::join!(waiting, behind, session.close(), released);
    // The sink had the first, and none of the second.
    waiting.unwrap();
    assert_eq!(behind.unwrap_err().kind(), ErrorKind::Closed);
    closed.unwrap();
    assert_eq!(
        sink.look(|b| (b.out.clone(), b.closed)),
        (vec![frame("one")], 1)
    );
    session.close().await.unwrap();
    assert_eq!(sink.look(|buffers| buffers.closed), 1);
    let error = session.send(frame("three")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
async fn closing_does_not_wait_behind_a_send_that_waits() {
    let (sink, unread) = mpsc::channel::<Bytes>(0);
    let session = RumpsteakSession::from_sink_stream(sink, stream::pending::<Bytes>());
    // Nobody reads: only the close can wake the send, and only its end lets the close go on. Each
    // is polled when it was woken itself, not when the other was.
    let both = FuturesUnordered::from_iter([session.send(frame("one")), session.close()]);
    let both = both.try_collect::<()>();
    let done = runtime::timeout(Duration::from_secs(5), both).await;
    done.expect("the close wakes the send").unwrap();
    drop(session);
    let unread: Vec<_> = unread.collect().await;
    assert_eq!(unread, [frame("one")]);
}

#[test]
async fn a_frame_that_is_no_message_is_one_error() {
    let (to_bob, from_alice) = mpsc::channel::<Bytes>(8);
    let mut garbage = to_bob.clone();
    let (to_alice, from_bob) = mpsc::channel::<Bytes>(8);
    let [alice, bob] = ["Alice", "Bob"].map(RumpsteakEndpoint::new);
    alice.register_session("Bob", RumpsteakSession::from_sink_stream(to_bob, from_bob));
    bob.register_session(
        "Alice",
        RumpsteakSession::from_sink_stream(to_alice, from_alice),
    );
    let handler = RumpsteakHandler::new();
    for bytes in ["", "\u{9}rest", "\u{1}\0\0"] {
        garbage.send(frame(bytes)).await.unwrap();
        handler.send(&alice, "Bob", &"next").await.unwrap();
        let error = handler.recv::<String>(&bob, "Alice").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!((error.role(), error.peer()), (Some("Bob"), Some("Alice")));
        assert_eq!(handler.recv::<String>(&bob, "Alice").await.unwrap(), "next");
    }
}

/// Errors of a codec: a frame above its limit.
#[cfg(not(target_arch = "wasm32"))]
#[tokio::test]
async fn a_frame_above_the_codec_s_limit_is_an_error_and_the_next_is_fine() {
    use tokio_util::codec::{Framed, LengthDelimitedCodec};

    let (left, right) = tokio::io::duplex(1024);
    let codec = LengthDelimitedCodec::builder()
        .max_frame_length(16)
        .new_codec();
    let [left, right] = [left, right].map(|io| {
        let (sink, stream) = Framed::new(io, codec.clone()).split::<Bytes>();
        RumpsteakSession::from_sink_stream(sink, stream)
    });
    let error = left.send(Bytes::from(vec![0; 17])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(
        error
            .report()
            .starts_with("the sink failed: frame size too big"),
        "{error:?}"
    );
    left.send(frame("small")).await.unwrap();
    assert_eq!(right.recv().await.unwrap(), Some(frame("small")));
}

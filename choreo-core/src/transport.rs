use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use bytes::Bytes;

use crate::Result;

/// Joins two peers and knows bytes only: a WebSocket, a pipe, a message port.
///
/// Authors of transports need to know nothing about choreographies.
///
/// # The contract
/// - A frame is delivered whole and in order, or the connection breaks. An empty frame is a frame.
/// - Neither direction waits for the other. Sends of several tasks may wait at once, and their
///   frames do not mix. Receives come one at a time: who has several takes turns.
/// - **Cancel safety:** dropping a receive's future loses nothing, the next receive gets the frame.
///   Dropping a send's future sends the frame wholly or not at all.
/// - What is under way has a bound, whether sends are awaited or dropped. A full transport makes
///   the send wait.
/// - After [`close`](Self::close) the peer receives what was sent, then `None`, as often as it
///   asks.
/// - A transport that is dropped without `close` is `None` or an error for its peer, too: nobody
///   waits for ever.
///
/// `choreo-testkit` turns each of these into a test, for any transport, in one line.
///
/// # A whole transport
/// A pipe within a process, over a pair of [queues](crate::queue::Queue):
///
/// ```
/// use choreo_core::queue::{Closed, Queue};
/// use choreo_core::{Bytes, Error, ErrorKind, Result, Transport, async_trait};
/// use std::sync::Arc;
///
/// struct Pipe {
///     to: Arc<Queue<Bytes>>,
///     from: Arc<Queue<Bytes>>,
/// }
///
/// fn pipe() -> (Pipe, Pipe) {
///     let (there, back) = (Arc::new(Queue::new(16)), Arc::new(Queue::new(16)));
///     let left = Pipe { to: there.clone(), from: back.clone() };
///     (left, Pipe { to: back, from: there })
/// }
///
/// #[async_trait]
/// impl Transport for Pipe {
///     async fn send(&self, frame: Bytes) -> Result<()> {
///         let closed = |Closed| Error::new(ErrorKind::Closed, "the pipe is closed");
///         self.to.send(frame).await.map_err(closed)
///     }
///
///     async fn recv(&self) -> Result<Option<Bytes>> {
///         Ok(self.from.recv().await.ok())
///     }
///
///     async fn close(&self) -> Result<()> {
///         self.to.close();
///         self.from.close();
///         Ok(())
///     }
/// }
///
/// impl Drop for Pipe {
///     fn drop(&mut self) {
///         self.to.close();
///         self.from.close();
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let (alice, bob) = pipe();
/// alice.send(Bytes::from("frame")).await?;
/// alice.close().await?;
/// assert_eq!(bob.recv().await?.as_deref(), Some(&b"frame"[..]));
/// assert_eq!(bob.recv().await?, None);
/// # Ok::<(), Error>(()) }).unwrap();
/// ```
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends one frame, waiting while the transport is full. Returns when it is handed over, not
    /// when it is read.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed) after [`close`](Self::close) or when the peer has
    /// closed, at the latest once a receive has said so;
    /// [`Transport`](crate::ErrorKind::Transport) when the connection broke. The frame may have been
    /// sent all the same, unless the error is [transient](crate::Error::is_transient).
    ///
    /// # Cancel safety
    /// The frame is sent wholly or not at all.
    async fn send(&self, frame: Bytes) -> Result<()>;

    /// Receives the next frame, waiting for it; `None` when the peer closed in order.
    ///
    /// # Errors
    /// [`Transport`](crate::ErrorKind::Transport) when the connection broke.
    ///
    /// # Cancel safety
    /// Nothing is lost: the next call gets the frame.
    async fn recv(&self) -> Result<Option<Bytes>>;

    /// Closes in order: the peer receives what was sent, then `None`. Repeating it is no error.
    ///
    /// It waits for no send: one that waits meanwhile ends, as
    /// [`Closed`](crate::ErrorKind::Closed) unless its frame was handed over already. What the peer
    /// has sent can still be received; then, at the latest when the peer has closed too, a receive
    /// on this side gives `None` as well.
    ///
    /// It does not wait for delivery: when it returns, what was sent may still be under way, and a
    /// process that exits then may lose it. It may wait until this side has handed everything
    /// over, for which there is no limit of time while the peer reads nothing; once the peer reads,
    /// it returns. Whoever must know that all has arrived lets the peer say so, as a session does.
    ///
    /// # Errors
    /// [`Transport`](crate::ErrorKind::Transport) when the connection broke before.
    ///
    /// # Cancel safety
    /// This side is closed for sends as soon as it was polled; another call does the rest.
    async fn close(&self) -> Result<()>;

    /// Sends a frame if that needs no waiting, as [`send`](Self::send) would; else gives it back.
    ///
    /// Provided: it gives it back. A transport that can tell spares its callers a boxed future.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    fn try_send(&self, frame: Bytes) -> Result<Option<Bytes>> {
        Ok(Some(frame))
    }

    /// Takes the next frame if it is there already, as [`recv`](Self::recv) would; nobody is woken
    /// when one comes.
    ///
    /// Provided: none is ever there. A transport that can tell spares its callers a boxed future.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    fn try_recv(&self) -> Poll<Result<Option<Bytes>>> {
        Poll::Pending
    }

    /// Whether any number of tasks may receive at once: each frame goes to one of them.
    ///
    /// Provided: no. A transport that sees to it itself spares its callers the turns.
    fn takes_turns(&self) -> bool {
        false
    }
}

/// Opens a transport, and opens it again after it broke.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Opens a new connection.
    ///
    /// # Errors
    /// [`Transport`](crate::ErrorKind::Transport) when the peer cannot be reached now,
    /// [`Config`](crate::ErrorKind::Config) when it never will be (a bad address, say).
    ///
    /// # Cancel safety
    /// A connection that is not handed out is closed.
    async fn connect(&self) -> Result<Box<dyn Transport>>;
}

const _: fn(&dyn Transport, &dyn Connect) = |_, _| {};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// The inner future is returned as it is: no second one is boxed.
macro_rules! by_reference {
    ($($pointer:ty),+) => {$(
        impl<T: Transport + ?Sized> Transport for $pointer {
            fn send<'a, 'b>(&'a self, frame: Bytes) -> BoxFuture<'b, ()>
            where
                'a: 'b,
                Self: 'b,
            {
                (**self).send(frame)
            }

            fn recv<'a, 'b>(&'a self) -> BoxFuture<'b, Option<Bytes>>
            where
                'a: 'b,
                Self: 'b,
            {
                (**self).recv()
            }

            fn close<'a, 'b>(&'a self) -> BoxFuture<'b, ()>
            where
                'a: 'b,
                Self: 'b,
            {
                (**self).close()
            }

            fn try_send(&self, frame: Bytes) -> Result<Option<Bytes>> {
                (**self).try_send(frame)
            }

            fn try_recv(&self) -> Poll<Result<Option<Bytes>>> {
                (**self).try_recv()
            }

            fn takes_turns(&self) -> bool {
                (**self).takes_turns()
            }
        }
    )+};
}

by_reference!(Box<T>, Arc<T>);

/// One way there for many.
impl<C: Connect + ?Sized> Connect for Arc<C> {
    fn connect<'a, 'b>(&'a self) -> BoxFuture<'b, Box<dyn Transport>>
    where
        'a: 'b,
        Self: 'b,
    {
        (**self).connect()
    }
}

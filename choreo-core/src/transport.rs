use async_trait::async_trait;
use bytes::Bytes;

use crate::Result;

/// Joins two peers and knows bytes only: a WebSocket, a pipe, a message port.
///
/// A frame is delivered whole and in order, or the connection breaks. Authors of transports need
/// to know nothing about choreographies.
///
/// # A whole transport
/// ```
/// use choreo_core::{Bytes, Error, ErrorKind, Result, Transport, async_trait};
/// use futures::{SinkExt, StreamExt, channel::mpsc, lock::Mutex};
///
/// struct Pipe {
///     to: mpsc::Sender<Bytes>,
///     from: Mutex<mpsc::Receiver<Bytes>>,
/// }
///
/// #[async_trait]
/// impl Transport for Pipe {
///     async fn send(&self, frame: Bytes) -> Result<()> {
///         let gone = |error| Error::new(ErrorKind::Closed, "the pipe is closed").with_source(error);
///         // A clone waits by itself, so that `close` need not wait for it. (Each has one place of
///         // its own in the channel, so what is queued has a bound as long as sends are few.)
///         self.to.clone().send(frame).await.map_err::<Error, _>(gone)
///     }
///
///     async fn recv(&self) -> Result<Option<Bytes>> {
///         Ok(self.from.lock().await.next().await)
///     }
///
///     async fn close(&self) -> Result<()> {
///         self.to.clone().close_channel();
///         Ok(())
///     }
/// }
/// # fn main() {}
/// ```
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends one frame, waiting while the transport is full.
    ///
    /// # Errors
    /// [`Closed`](crate::ErrorKind::Closed) after [`close`](Self::close) or when the peer has
    /// closed, [`Transport`](crate::ErrorKind::Transport) when the connection broke. The frame may
    /// have been sent all the same, unless the error is
    /// [transient](crate::Error::is_transient).
    ///
    /// # Cancel safety
    /// The frame is sent wholly or not at all.
    async fn send(&self, frame: Bytes) -> Result<()>;

    /// Receives the next frame; `None` when the peer closed in order.
    ///
    /// # Errors
    /// [`Transport`](crate::ErrorKind::Transport) when the connection broke.
    ///
    /// # Cancel safety
    /// Nothing is lost: the next call gets the frame.
    async fn recv(&self) -> Result<Option<Bytes>>;

    /// Closes in order: the peer receives what was sent, then `None`. Repeating it is no error.
    ///
    /// It waits for nobody: a send that waits meanwhile fails as
    /// [`Closed`](crate::ErrorKind::Closed). What the peer has sent can still be received.
    ///
    /// # Errors
    /// [`Transport`](crate::ErrorKind::Transport) when the connection broke before.
    async fn close(&self) -> Result<()>;
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

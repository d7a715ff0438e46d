use std::fmt;
use std::sync::Arc;
use std::task::Poll;

use choreo_core::{Bytes, Result, Transport, async_trait};

use crate::pipe::Pipe;

/// One connection over HTTP requests: exactly once and in order, however often a request has to be
/// repeated, until the connection is given up.
///
/// A [`FetchConnector`](crate::FetchConnector) opens one, natively a `FetchAcceptor` accepts one.
///
/// - It may be shared: any number of tasks send and receive at once. A receive that waits holds no
///   send up.
/// - A send is done when the frame is in a bounded buffer on its way, not when the peer has it: what
///   was sent last may be lost if the connection breaks.
/// - Dropping it closes the connection in order, as [`close`](Transport::close) does.
///
/// # Errors
/// | what happened | [kind](choreo_core::ErrorKind) |
/// |---|---|
/// | this side has closed it | `Closed` |
/// | the peer has closed it in order | `Closed`; a receive gives `None` |
/// | requests fail for longer than they are repeated, the client is away, or the server has forgotten it | `Transport` |
/// | the peer has sent what it must not, or a frame above the limit | `Protocol` |
/// | a frame above the limit is to be sent | `Config` |
pub struct FetchTransport {
    pipe: Arc<Pipe>,
}

impl FetchTransport {
    pub(crate) fn new(pipe: Arc<Pipe>) -> Self {
        Self { pipe }
    }

    pub(crate) fn pipe(&self) -> &Pipe {
        &self.pipe
    }
}

#[async_trait]
impl Transport for FetchTransport {
    async fn send(&self, frame: Bytes) -> Result<()> {
        self.pipe.send(frame).await
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        self.pipe.recv().await
    }

    async fn close(&self) -> Result<()> {
        self.pipe.close()
    }

    fn try_send(&self, mut frame: Bytes) -> Result<Option<Bytes>> {
        match self.pipe.poll_send(&mut frame) {
            Poll::Ready(sent) => sent.map(|()| None),
            Poll::Pending => Ok(Some(frame)),
        }
    }

    fn try_recv(&self) -> Poll<Result<Option<Bytes>>> {
        self.pipe.poll_recv()
    }

    fn takes_turns(&self) -> bool {
        true
    }
}

/// Closes in order, and throws away what was not received.
impl Drop for FetchTransport {
    fn drop(&mut self) {
        self.pipe.abandon();
    }
}

impl fmt::Debug for FetchTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchTransport")
            .field("peer", &self.pipe.place())
            .finish_non_exhaustive()
    }
}

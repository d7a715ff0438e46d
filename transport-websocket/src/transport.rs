use std::fmt;
use std::task::Poll;

use choreo_core::{Bytes, Result, Transport, async_trait};

use crate::closed;
use crate::end::code;
use crate::platform::Connection;

/// One WebSocket: a frame is a binary message.
///
/// A [`WebSocketConnector`](crate::WebSocketConnector) opens one, natively a
/// `WebSocketAcceptor` accepts one.
///
/// - It may be shared: any number of tasks send and receive at once. A receive that waits holds no
///   send up.
/// - A send is done when the frame is in a bounded buffer on its way, not when the peer has it: what
///   was sent last may be lost if the connection breaks.
/// - Natively, pings are answered while something is sent or received; browsers always do.
/// - Dropping it closes the connection in order, as [`close`](Transport::close) does.
///
/// # Errors
/// | what happened | [kind](choreo_core::ErrorKind) | [`Closed`](crate::Closed) below it |
/// |---|---|---|
/// | this side has closed it | `Closed` | the code 1000, or none |
/// | the peer has closed it in order (1000, 1001, no code) | `Closed`; a receive gives `None` | yes |
/// | the peer has closed it with a code from 3000 on | `Closed` | yes |
/// | the peer has closed it with another code | `Transport` | yes |
/// | the connection broke | `Transport` | code 1006 |
/// | the peer has sent text, or a frame above the limit | `Protocol` | no |
/// | a frame above the limit is to be sent | `Config` | no |
pub struct WebSocketTransport {
    connection: Connection,
    protocol: String,
}

impl WebSocketTransport {
    pub(crate) fn new(connection: Connection, protocol: String) -> Self {
        Self {
            connection,
            protocol,
        }
    }

    /// The subprotocol that both sides have agreed upon; empty if there is none.
    #[must_use]
    pub fn protocol(&self) -> &str {
        &self.protocol
    }

    /// Closes as [`close`](Transport::close) does, with a code and a reason for the peer, who
    /// finds them in [`Closed`](crate::Closed). Of the reason 123 bytes are sent.
    ///
    /// # Errors
    /// `Config` if the code is neither 1000 nor one of 3000 to 4999; else as
    /// [`close`](Transport::close).
    #[expect(clippy::unused_async, reason = "as in the trait")]
    pub async fn close_with(&self, code: u16, reason: &str) -> Result<()> {
        closed::check_code(code)?;
        self.connection.close(code, closed::cut_reason(reason))
    }
}

#[async_trait]
impl Transport for WebSocketTransport {
    async fn send(&self, frame: Bytes) -> Result<()> {
        self.connection.send(frame).await
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        self.connection.recv().await
    }

    async fn close(&self) -> Result<()> {
        self.connection.close(code::NORMAL, "")
    }

    fn try_send(&self, frame: Bytes) -> Result<Option<Bytes>> {
        self.connection.try_send(frame)
    }

    fn try_recv(&self) -> Poll<Result<Option<Bytes>>> {
        self.connection.try_recv()
    }
}

impl fmt::Debug for WebSocketTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketTransport")
            .field("peer", &self.connection.place())
            .finish_non_exhaustive()
    }
}

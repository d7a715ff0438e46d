use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::Limits;

/// Clearing the buffer before each read costs more than reading, if it is as large as by default.
const READ_BUFFER: usize = 4 * 1024;

/// What is written at once when many frames are sent at once.
const WRITE_BUFFER: usize = 32 * 1024;

/// A stream of WebSocket messages, of whatever it is made.
pub(crate) trait Socket: Send {
    /// Takes the next message.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>>;

    /// Puts a message into the buffer.
    fn start_send(&mut self, message: Message) -> Result<(), Error>;

    /// Writes what is in the buffer.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>>;

    /// Reads and discards whatever comes, until the peer ends it. What is left unread when a
    /// socket closes makes the system throw away what the peer has not read yet.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<()>;
}

/// The configuration of a socket of these limits.
pub(crate) fn config(limits: &Limits) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(limits.max_frame))
        .max_frame_size(Some(limits.max_frame))
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for WebSocketStream<S> {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        Stream::poll_next(Pin::new(self), context)
    }

    fn start_send(&mut self, message: Message) -> Result<(), Error> {
        Sink::start_send(Pin::new(self), message)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Sink::poll_flush(Pin::new(self), context)
    }

    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut buffer = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut buffer);
            let read = ready!(Pin::new(self.get_mut()).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

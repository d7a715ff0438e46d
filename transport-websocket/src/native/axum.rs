use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::extract::ws::{CloseFrame, Message as AxumMessage, WebSocket};
use futures::{Sink, Stream};
use tokio_tungstenite::tungstenite::{Error, Message, protocol};

use super::socket::Socket;

/// axum wraps the same socket, and its messages and errors in types of its own.
impl Socket for WebSocket {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        let message = ready!(Stream::poll_next(Pin::new(self), context));
        Poll::Ready(message.map(|message| message.map(from_axum).map_err(unwrapped)))
    }

    fn start_send(&mut self, message: Message) -> Result<(), Error> {
        let message = match message {
            Message::Binary(frame) => AxumMessage::Binary(frame),
            Message::Close(frame) => AxumMessage::Close(frame.map(|frame| CloseFrame {
                code: frame.code.into(),
                reason: frame.reason.as_str().into(),
            })),
            // Nothing else is ever sent.
            _ => return Ok(()),
        };
        Sink::start_send(Pin::new(self), message).map_err(unwrapped)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Sink::poll_flush(Pin::new(self), context).map_err(unwrapped)
    }

    /// axum does not give its stream away, so this ends with its messages.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while let Some(Ok(_)) = ready!(Socket::poll_next(self, context)) {}
        Poll::Ready(())
    }
}

fn from_axum(message: AxumMessage) -> Message {
    match message {
        AxumMessage::Binary(frame) => Message::Binary(frame),
        AxumMessage::Text(text) => Message::Text(text.as_str().into()),
        AxumMessage::Ping(bytes) => Message::Ping(bytes),
        AxumMessage::Pong(bytes) => Message::Pong(bytes),
        AxumMessage::Close(frame) => Message::Close(frame.map(|frame| protocol::CloseFrame {
            code: frame.code.into(),
            reason: frame.reason.as_str().into(),
        })),
    }
}

fn unwrapped(error: axum::Error) -> Error {
    match error.into_inner().downcast() {
        Ok(error) => *error,
        Err(error) => Error::Io(std::io::Error::other(error)),
    }
}

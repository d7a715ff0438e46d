use std::error::Error as StdError;

use choreo_core::{Bytes, BytesMut, Error, ErrorKind, Result};

/// What a stream yields when it carries frames: bytes of some type, or a `Result` of them.
///
/// Implement it for a type of your own, such as a WebSocket library's message, to give its stream
/// to [`RumpsteakSession::from_sink_stream`](crate::RumpsteakSession::from_sink_stream):
///
/// ```
/// use choreo_core::{Bytes, Error, ErrorKind, Result};
/// use choreo_handler_rumpsteak::IntoFrame;
///
/// enum Message {
///     Text(String),
///     Binary(Vec<u8>),
/// }
///
/// impl IntoFrame for Message {
///     fn into_frame(self) -> Result<Bytes> {
///         match self {
///             Message::Binary(bytes) => bytes.into_frame(),
///             Message::Text(_) => Err(Error::new(ErrorKind::Transport, "text where bytes are due")),
///         }
///     }
/// }
/// # assert!(Message::Text(String::new()).into_frame().is_err());
/// # assert_eq!(Message::Binary(vec![1]).into_frame().unwrap(), Bytes::from_static(&[1]));
/// ```
pub trait IntoFrame {
    /// The frame.
    ///
    /// # Errors
    /// When it is none: the receive then fails with the error, and the next one gets the next item.
    fn into_frame(self) -> Result<Bytes>;
}

macro_rules! byte_like {
    ($($type:ty),+) => {$(
        impl IntoFrame for $type {
            fn into_frame(self) -> Result<Bytes> {
                Ok(self.into())
            }
        }
    )+};
}

byte_like!(Bytes, BytesMut, Vec<u8>, Box<[u8]>);

/// An `Err` of the stream becomes an error of kind [`Transport`](ErrorKind::Transport) with it as
/// the source; an [`Error`] stays what it is.
impl<T: IntoFrame, E: Into<Box<dyn StdError + Send + Sync>>> IntoFrame for Result<T, E> {
    fn into_frame(self) -> Result<Bytes> {
        match self {
            Ok(frame) => frame.into_frame(),
            Err(error) => Err(match error.into().downcast::<Error>() {
                Ok(error) => *error,
                Err(error) => {
                    Error::new(ErrorKind::Transport, "the stream failed").with_source(error)
                }
            }),
        }
    }
}

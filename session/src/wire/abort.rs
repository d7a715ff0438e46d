use std::fmt;

use bytes::Bytes;

use super::{Code, Frame, FrameError, Kind};

/// The most bytes of a reason: what a WebSocket's close frame can carry.
pub const MAX_REASON: usize = 123;

/// The end of a session that is not in order: a code, and a sentence for people.
///
/// One pointer wide: it travels in results that are hardly ever one.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} ({})", .0.reason, .0.code)]
pub struct Abort(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    code: Code,
    reason: String,
}

impl Abort {
    /// An end with that code; the reason is cut to [`MAX_REASON`] bytes, and what would move a
    /// terminal's cursor or end a log's line is replaced.
    pub fn new(code: Code, reason: impl fmt::Display) -> Self {
        Self::because(code, &reason)
    }

    /// As [`new`](Self::new), once for all types.
    fn because(code: Code, reason: &dyn fmt::Display) -> Self {
        let mut reason = printable(&reason.to_string());
        let mut end = reason.len().min(MAX_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        reason.truncate(end);
        Self(Box::new(Inner { code, reason }))
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The frame that says it to a peer; the code travels as the number of the frame.
    #[must_use]
    pub fn to_frame(&self, peer: u32) -> Frame {
        let mut frame = Frame::new(Kind::Abort, peer);
        frame.seq = self.0.code.number().into();
        frame.with_payload(Bytes::copy_from_slice(self.0.reason.as_bytes()))
    }

    /// What a frame says, whose reason is left out if it is no text. A code that this version does
    /// not know counts as malformed, for the session is over all the same.
    #[must_use]
    pub fn from_frame(frame: &Frame) -> Self {
        let code = Code::from_number(frame.seq).unwrap_or(Code::Malformed);
        Self::new(code, str::from_utf8(&frame.payload).unwrap_or_default())
    }
}

/// As [`Display`](fmt::Display) gives it: far smaller than a derived one.
impl fmt::Debug for Abort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<FrameError> for Abort {
    fn from(error: FrameError) -> Self {
        let code = match error {
            FrameError::Size { .. } => Code::TooLarge,
            FrameError::Version(_) => Code::Version,
            _ => Code::Malformed,
        };
        Self::new(code, error)
    }
}

/// A text from outside, for logs and terminals: control characters become U+FFFD.
#[must_use]
pub fn printable(text: &str) -> String {
    let clean = |letter: char| {
        if letter.is_control() {
            '\u{fffd}'
        } else {
            letter
        }
    };
    text.chars().map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_between_letters_and_cleaned() {
        let abort = Abort::new(Code::Quota, "ä".repeat(100));
        assert_eq!(abort.reason().len(), 122);
        let abort = Abort::new(Code::Forbidden, "no\r\n\x1b[31mred");
        assert_eq!(abort.reason(), "no\u{fffd}\u{fffd}\u{fffd}[31mred");
    }

    #[test]
    fn it_comes_back_from_its_frame() {
        let abort = Abort::new(Code::Superseded, "a newer connection took over");
        assert_eq!(Abort::from_frame(&abort.to_frame(3)), abort);
        assert_eq!(
            abort.to_string(),
            "a newer connection took over (4409 superseded)"
        );
    }

    #[test]
    fn an_unknown_code_still_ends_the_session() {
        let mut frame = Abort::new(Code::Quota, "x").to_frame(0);
        frame.seq = 4999;
        assert_eq!(Abort::from_frame(&frame).code(), Code::Malformed);
    }
}

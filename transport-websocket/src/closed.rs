use std::error::Error as StdError;
use std::fmt;

use choreo_core::{Error, ErrorKind, Result};

/// How a connection was closed: the source of the errors that come after it.
///
/// ```
/// use choreo_core::{Error, ErrorKind};
/// use choreo_transport_websocket::Closed;
///
/// fn superseded(error: &Error) -> bool {
///     Closed::of(error).is_some_and(|closed| closed.code == 4409)
/// }
///
/// let closed = Closed { code: 4409, reason: "superseded".to_owned(), clean: true };
/// assert_eq!(closed.to_string(), "close code 4409: superseded");
/// let error = Error::new(ErrorKind::Closed, "the peer closed the connection").with_source(closed);
/// assert!(superseded(&error));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Closed {
    /// The code: 1000 and 1001 when the peer has left in order, 1005 when it gave none, 1006 when
    /// the connection broke, 3000 to 4999 as the application means it.
    pub code: u16,
    /// The peer's words, at most 123 bytes; often none.
    pub reason: String,
    /// Whether both sides have said that they close. If not, what this side has sent last may be
    /// lost.
    pub clean: bool,
}

impl Closed {
    /// The connection broke.
    pub(crate) const BROKEN: u16 = 1006;
    /// The longest reason, in bytes.
    pub(crate) const MAX_REASON: usize = 123;

    /// How the connection was closed that this error comes from, if it does.
    #[must_use]
    pub fn of(error: &Error) -> Option<&Self> {
        let mut source = StdError::source(error);
        while let Some(cause) = source {
            if let Some(closed) = cause.downcast_ref() {
                return Some(closed);
            }
            source = cause.source();
        }
        None
    }

    /// The connection broke: nobody said that it closes.
    pub(crate) fn broken() -> Self {
        Self {
            code: Self::BROKEN,
            reason: String::new(),
            clean: false,
        }
    }

    /// Whether the peer has left in order: the codes say that its close frame came, after all else
    /// that it has sent.
    pub(crate) fn in_order(&self) -> bool {
        matches!(self.code, 1000 | 1001 | 1005)
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "close code {}", self.code)?;
        if self.reason.is_empty() {
            return Ok(());
        }
        f.write_str(": ")?;
        f.write_str(&self.reason)
    }
}

/// As [`Display`](fmt::Display) gives it, and whether it was clean: far smaller than a derived one.
impl fmt::Debug for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        f.write_str(if self.clean { "" } else { " (not clean)" })
    }
}

impl StdError for Closed {}

/// Refuses the codes that browsers refuse to send.
pub(crate) fn check_code(code: u16) -> Result<()> {
    if matches!(code, 1000 | 3000..=4999) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Config,
        format!(
            "{code} cannot be sent as a close code: applications have 1000 and 3000 to 4999 (4400 \
             and above are the session's)"
        ),
    ))
}

/// As much of a reason as a close frame holds, cut between two characters.
pub(crate) fn cut_reason(reason: &str) -> &str {
    let mut end = reason.len().min(Closed::MAX_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_of_applications_are_sent() {
        for code in [1000, 3000, 4409, 4999] {
            assert!(check_code(code).is_ok(), "{code}");
        }
        for code in [0, 999, 1001, 1005, 1006, 2999, 5000, u16::MAX] {
            let error = check_code(code).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(&code.to_string()), "{error}");
        }
    }

    #[test]
    fn reasons_are_cut_between_characters() {
        assert_eq!(cut_reason("short"), "short");
        assert_eq!(cut_reason(&"a".repeat(200)).len(), 123);
        // Two bytes each: 123 would lie within one.
        assert_eq!(cut_reason(&"é".repeat(100)).len(), 122);
        assert_eq!(cut_reason(&"🦀".repeat(31)), "🦀".repeat(30));
    }

    #[test]
    fn only_what_a_peer_says_when_it_leaves_is_in_order() {
        let closed = |code| Closed {
            code,
            reason: String::new(),
            clean: true,
        };
        for code in [1000, 1001, 1005] {
            assert!(closed(code).in_order(), "{code}");
        }
        for code in [1002, 1006, 1011, 4409] {
            assert!(!closed(code).in_order(), "{code}");
        }
    }
}

use std::error::Error as StdError;
use std::fmt;

use choreo::session::wire::{Abort, Code};
use choreo::{Error, ErrorKind};

/// Why a role stopped, for the page to put into words.
///
/// Displays as a line for each of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// `address`, `unreached`, `left`, `stopped`, or the number of the session's [`Code`].
    pub why: String,
    /// The library's sentence.
    pub sentence: String,
    /// All that the library says.
    pub report: String,
}

impl Failure {
    /// Why a role could not join.
    pub(crate) fn of_joining(error: &Error) -> Self {
        match code(error) {
            _ if error.kind() == ErrorKind::Config => Self::new("address", error),
            None | Some(Code::Expired) => Self::new("unreached", error),
            Some(code) => Self::new(code.number().to_string(), error),
        }
    }

    /// What stopped a role that was in.
    pub(crate) fn of_playing(error: &Error) -> Self {
        match code(error) {
            _ if error.kind() == ErrorKind::Closed => Self::new("left", error),
            None => Self::new("stopped", error),
            Some(code) => Self::new(code.number().to_string(), error),
        }
    }

    fn new(why: impl Into<String>, error: &Error) -> Self {
        Self {
            why: why.into(),
            sentence: error.detail().to_owned(),
            report: error.report(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}", self.why, self.sentence, self.report)
    }
}

impl StdError for Failure {}

/// How the session ended, behind an error.
fn code(error: &Error) -> Option<Code> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(abort) = error.downcast_ref::<Abort>() {
            return Some(abort.code());
        }
        source = error.source();
    }
    None
}

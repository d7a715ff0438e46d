use std::fmt;

use choreo::{Error, ErrorKind};

use crate::Options;

/// Why a run failed, in words for the person at the page.
///
/// Displays as a line for each of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failed, and where.
    pub what: String,
    /// What to try.
    pub advice: &'static str,
    /// What the library says.
    pub detail: String,
}

impl Failure {
    /// What stopped the role of that name.
    pub(crate) fn of_run(role: &str, error: Error, options: &Options) -> Self {
        let error = error.with_role(role);
        let peer = error.peer().unwrap_or("its peer");
        let tried = match error.operation() {
            Some(operation) => format!("could not {operation} {peer}"),
            None => "stopped".to_owned(),
        };
        let (why, advice) = match error.kind() {
            ErrorKind::Injected if options.retry => (
                "the Faults layer made each attempt fail, until Retry gave up",
                "Lower the rate of faults, or take another seed.",
            ),
            ErrorKind::Injected => (
                "the Faults layer made it fail, on purpose",
                "Tick Retry: it sends again what was not sent. Or lower the rate of faults.",
            ),
            ErrorKind::Closed => ("the other side has left", "Run it again."),
            ErrorKind::Timeout => (
                "the Timeout layer gave it up, it took too long",
                "Raise the limit, or lower the rate of faults.",
            ),
            _ => (error.detail(), "Reload the page and run it again."),
        };
        Self {
            what: format!("{role} {tried}: {why}."),
            advice,
            detail: error.to_string(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}", self.what, self.advice, self.detail)
    }
}

impl std::error::Error for Failure {}

use std::fmt;

use crate::Promise;

/// A broken promise: which check found it, what was promised and where, and what happened.
///
/// `Debug` prints the same as `Display`, so that a test that returns it fails with this text:
///
/// ```text
/// messages_arrive_in_order
///   promised: Per ordered pair of roles, payloads arrive once and in the order in which they were sent.
///   happened: Bob received 1 from Alice where 0 was due
///   contract: choreo_core::ChoreoHandler, section "The contract"
/// ```
#[derive(Clone)]
pub struct Violation {
    check: &'static str,
    promise: Promise,
    happened: String,
}

impl Violation {
    /// A violation that `check` found; `happened` is a sentence for people, without a full stop.
    #[must_use]
    pub fn new(check: &'static str, promise: Promise, happened: impl fmt::Display) -> Self {
        Self {
            check,
            promise,
            happened: happened.to_string(),
        }
    }

    /// The name of the check.
    #[must_use]
    pub fn check(&self) -> &'static str {
        self.check
    }

    /// What was promised.
    #[must_use]
    pub fn promise(&self) -> Promise {
        self.promise
    }

    /// What happened instead.
    #[must_use]
    pub fn happened(&self) -> &str {
        &self.happened
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Promise { text, place } = self.promise;
        writeln!(f, "{}", self.check)?;
        writeln!(f, "  promised: {text}")?;
        writeln!(f, "  happened: {}", self.happened)?;
        write!(f, "  contract: {place}")
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Violation {}

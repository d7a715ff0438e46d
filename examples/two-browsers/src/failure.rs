use std::error::Error as StdError;
use std::fmt;

use choreo::session::wire::{Abort, Code};
use choreo::{Error, ErrorKind};

/// Why a role stopped, in words for the person at the page.
///
/// Displays as a line for each of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failed.
    pub what: String,
    /// What to try.
    pub advice: &'static str,
    /// What the library says.
    pub detail: String,
}

impl Failure {
    /// Why a role could not join at that address.
    pub(crate) fn of_joining(error: &Error, address: &str) -> Self {
        if error.kind() == ErrorKind::Config {
            return Self {
                what: format!("“{address}” is no address to connect to."),
                advice: "It begins with ws:// or wss://, and names a server: ws://127.0.0.1:9000/",
                detail: error.report(),
            };
        }
        match abort(error).map(Abort::code) {
            None | Some(Code::Expired) => Self {
                what: format!("Nobody lets this role in at {address}."),
                advice: "Is the relay running, and does it let pages of this address connect? \
                         “cargo xtask demo two-browsers” starts one that does.",
                detail: error.report(),
            },
            Some(code) => Self::of_code(code, error),
        }
    }

    /// What stopped a role that was in.
    pub(crate) fn of_playing(error: &Error) -> Self {
        if error.kind() == ErrorKind::Closed {
            return Self {
                what: "The other side has left.".to_owned(),
                advice: "Start again, on both sides.",
                detail: error.report(),
            };
        }
        match abort(error).map(Abort::code) {
            Some(code) => Self::of_code(code, error),
            None => Self {
                what: format!("The conversation stopped: {}.", error.detail()),
                advice: "Reload both pages and start again.",
                detail: error.report(),
            },
        }
    }

    fn of_code(code: Code, error: &Error) -> Self {
        let (what, advice) = match code {
            Code::Expired => (
                "The session is over: one side was started anew, or was away for too long.",
                "Start again, on both sides.",
            ),
            Code::Superseded => (
                "Somebody else plays this role now: it was started in another window.",
                "Go on there, or take another name for the session.",
            ),
            Code::Unauthorized => (
                "The relay asks for a token, and this page has none.",
                "Use a relay that is open: “choreo-relay --open”.",
            ),
            Code::Forbidden => (
                "This role may not be played here: somebody else does, or did a moment ago.",
                "Take another name for the session, in both windows. With a server that plays \
                 Bob itself, be Alice.",
            ),
            Code::Timeout => (
                "The other side did not answer in time.",
                "See that it still runs, then start again, on both sides.",
            ),
            Code::Quota => (
                "The relay has no room for more.",
                "Close other windows, or try again in a minute.",
            ),
            Code::Version => (
                "The two sides are of different versions.",
                "Reload both pages.",
            ),
            _ => (
                "What came is not what was agreed on.",
                "Reload both pages and start again.",
            ),
        };
        Self {
            what: what.to_owned(),
            advice,
            detail: error.report(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}", self.what, self.advice, self.detail)
    }
}

impl StdError for Failure {}

/// The end of the session behind an error.
fn abort(error: &Error) -> Option<&Abort> {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(abort) = error.downcast_ref() {
            return Some(abort);
        }
        source = error.source();
    }
    None
}

use std::fmt;
use std::time::Duration;

use crate::wire::Abort;

/// How a session is, for a status line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The connection.
    pub link: Link,
    /// How many connections there were so far.
    pub connections: u64,
    /// How long ago something came last.
    pub silent_for: Duration,
    /// Each peer, in the order of the configuration.
    pub peers: Vec<PeerStatus>,
}

/// How the connection of a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Link {
    /// The first is being opened.
    Connecting,
    /// There is one.
    Connected,
    /// It broke; another is being opened, and nothing is lost.
    Resuming,
    /// The session ended in order.
    Closed,
    /// The session is over, and not in order.
    Lost(Abort),
}

/// How one peer is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerStatus {
    /// Its role.
    pub role: String,
    /// The messages (or parts) to it that it has not acknowledged.
    pub unacked: usize,
    /// The messages from it that the application has not received.
    pub waiting: usize,
    /// Whether it was ever heard of.
    pub met: bool,
    /// Whether it has ended its stream.
    pub closed: bool,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting => f.write_str("connecting"),
            Self::Connected => f.write_str("connected"),
            Self::Resuming => f.write_str("resuming"),
            Self::Closed => f.write_str("closed"),
            Self::Lost(abort) => write!(f, "lost: {abort}"),
        }
    }
}

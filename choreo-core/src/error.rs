use std::error::Error as StdError;
use std::fmt;

/// `std`'s result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, at which role, in which operation, with which peer, and why.
///
/// One pointer wide, so that a `Result<()>` stays small.
///
/// ```
/// use choreo_core::{Error, ErrorKind, Operation};
///
/// let error = Error::new(ErrorKind::Closed, "the peer has left")
///     .with_role("Alice")
///     .at(Operation::Recv, "Bob");
/// assert_eq!(error.to_string(), "Alice: receive from Bob: the peer has left");
/// assert_eq!(error.kind(), ErrorKind::Closed);
/// assert!(!error.is_transient());
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    detail: String,
    role: Option<String>,
    operation: Option<(Operation, String)>,
    transient: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of failure, coarse enough to match on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The peer, or this side, has left the session in order; nothing more will come.
    Closed,
    /// No such role in this session.
    UnknownRole,
    /// A label that is none of the expected ones.
    UnknownLabel,
    /// A payload of another kind or type than the protocol has here.
    Protocol,
    /// The message could not be serialised.
    Encode,
    /// The bytes are not the expected message.
    Decode,
    /// A time limit passed.
    Timeout,
    /// Refused for now, by a limit on this side: later it may be taken.
    Busy,
    /// The transport below failed.
    Transport,
    /// An extension is not registered, or failed.
    Extension,
    /// The program itself is not well-formed.
    Program,
    /// Caused on purpose, by fault injection.
    Injected,
    /// A configuration or use that the handler cannot serve.
    Config,
}

/// An operation of a role, for errors, traces and counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// A message goes out.
    Send,
    /// A message comes in.
    Recv,
    /// A label goes out.
    Choose,
    /// A label comes in.
    Offer,
}

impl Error {
    /// An error of that kind; `detail` is a sentence for people, without a full stop.
    #[must_use]
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            detail: detail.into(),
            role: None,
            operation: None,
            transient: false,
            source: None,
        }))
    }

    /// A protocol violation: another payload than expected here.
    pub(crate) fn unexpected(expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Self::new(
            ErrorKind::Protocol,
            format!("expected {expected}, found {found}"),
        )
    }

    /// The role at which it happened, unless one is named already.
    #[must_use]
    pub fn with_role(mut self, role: impl Into<String>) -> Self {
        self.0.role.get_or_insert_with(|| role.into());
        self
    }

    /// The operation and its peer, unless they are named already.
    #[must_use]
    pub fn at(mut self, operation: Operation, peer: impl Into<String>) -> Self {
        self.0
            .operation
            .get_or_insert_with(|| (operation, peer.into()));
        self
    }

    /// The error below this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// More about where it happened, put before the detail.
    #[must_use]
    pub fn context(self, place: impl fmt::Display) -> Self {
        self.at_place(&place)
    }

    /// As [`context`](Self::context), once for all types.
    pub(crate) fn at_place(mut self, place: &dyn fmt::Display) -> Self {
        self.0.detail = format!("{place}: {}", self.0.detail);
        self
    }

    /// States that the payload was provably **not** sent, so that sending it again is safe.
    ///
    /// Only whoever knows this for certain may say it: a payload that may have reached the
    /// peer must not be marked.
    #[must_use]
    pub fn transient(mut self) -> Self {
        self.0.transient = true;
        self
    }

    /// Takes [`transient`](Self::transient) back: part of the work may have been done.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.0.transient = false;
        self
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// True only when the payload provably was not sent. Nothing else may be retried.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.0.transient
    }

    /// The role at which it happened, where known.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.0.role.as_deref()
    }

    /// The peer of the operation, where known.
    #[must_use]
    pub fn peer(&self) -> Option<&str> {
        self.0.operation.as_ref().map(|(_, peer)| peer.as_str())
    }

    /// The operation, where known.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        self.0.operation.as_ref().map(|(operation, _)| *operation)
    }

    /// The whole story in one line: the message and the sources behind it.
    #[must_use]
    pub fn report(&self) -> String {
        let mut report = self.to_string();
        let mut source = self.source();
        while let Some(cause) = source {
            report.push_str(": ");
            report.push_str(&cause.to_string());
            source = cause.source();
        }
        report
    }

    /// The sentence for people, without role, operation and peer.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(role) = &self.0.role {
            write!(f, "{role}: ")?;
        }
        if let Some((operation, peer)) = &self.0.operation {
            write!(f, "{operation} {peer}: ")?;
        }
        f.write_str(&self.0.detail)
    }
}

/// The message as [`Display`](fmt::Display) gives it, with the kind and the sources behind it.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.report())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl Operation {
    /// `send`, `recv`, `choose` or `offer`: the name for traces, counters and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Recv => "recv",
            Self::Choose => "choose",
            Self::Offer => "offer",
        }
    }

    /// The operation that sends a message or a label.
    #[must_use]
    pub fn sending(payload: crate::Outgoing<'_>) -> Self {
        match payload {
            crate::Outgoing::Message(_) => Self::Send,
            crate::Outgoing::Label(_) => Self::Choose,
        }
    }

    /// The operation that received a message or a label.
    #[must_use]
    pub fn receiving(payload: &crate::Incoming) -> Self {
        match payload {
            crate::Incoming::Message(_) => Self::Recv,
            crate::Incoming::Label(_) => Self::Offer,
        }
    }
}

/// Names, as errors list them.
pub(crate) fn list(names: &[&str]) -> String {
    let mut listed = String::new();
    for name in names {
        if !listed.is_empty() {
            listed.push_str(", ");
        }
        listed.push_str(name);
    }
    listed
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Send => "send to",
            Self::Recv => "receive from",
            Self::Choose => "choose for",
            Self::Offer => "offer from",
        })
    }
}

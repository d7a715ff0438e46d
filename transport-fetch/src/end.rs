use choreo_core::{Error, ErrorKind, Result};

/// Why a connection ended before both sides had closed it, kept so that each later operation can say
/// so. One pointer wide, as it travels in results that are hardly ever one.
#[derive(Clone, Debug)]
pub(crate) struct End(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: ErrorKind,
    detail: String,
}

impl End {
    /// It broke, for this reason.
    pub(crate) fn broken(why: impl std::fmt::Display) -> Self {
        let detail = format!("the connection broke: {why}");
        Self::refused(ErrorKind::Transport, detail)
    }

    /// The other side will not have it, now or ever.
    pub(crate) fn refused(kind: ErrorKind, detail: String) -> Self {
        Self(Box::new(Inner { kind, detail }))
    }

    /// The peer has sent what it must not.
    pub(crate) fn violation(detail: String) -> Self {
        Self::refused(ErrorKind::Protocol, detail)
    }

    pub(crate) fn error(&self, place: &str) -> Error {
        Error::new(self.0.kind, self.0.detail.as_str()).context(place)
    }
}

/// An operation after `close`.
pub(crate) fn closed_here(place: &str) -> Error {
    let detail = "the connection was closed on this side";
    Error::new(ErrorKind::Closed, detail).context(place)
}

/// A send after the peer has closed.
pub(crate) fn closed_there(place: &str) -> Error {
    let detail = "the peer has closed the connection";
    Error::new(ErrorKind::Closed, detail).context(place)
}

/// A frame above the limit is to be sent.
pub(crate) fn check_size(size: usize, limit: usize, place: &str) -> Result<()> {
    if size <= limit {
        return Ok(());
    }
    let detail = format!(
        "a frame of {size} bytes is above the limit of {limit}: send it in parts, or raise \
         `Limits::max_frame` on both sides"
    );
    Err(Error::new(ErrorKind::Config, detail).context(place))
}

/// A frame above the limit came in.
pub(crate) fn too_large_received(size: usize, limit: usize) -> End {
    End::violation(format!(
        "the peer has sent a frame of {size} bytes, above the limit of {limit}: raise \
         `Limits::max_frame` here or send less there"
    ))
}

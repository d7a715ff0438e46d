use choreo_core::{Bytes, Error, ErrorKind, Result};

use crate::Closed;

/// The close codes that this crate sends by itself; a session's peers know them too.
pub(crate) mod code {
    /// Closed in order.
    pub(crate) const NORMAL: u16 = 1000;
    /// A text message where a binary one is due.
    pub(crate) const MALFORMED: u16 = 4400;
    /// A frame above the limit.
    pub(crate) const SIZE: u16 = 4413;
    /// More frames than the receive queue holds.
    #[cfg_attr(
        not(target_arch = "wasm32"),
        expect(dead_code, reason = "the socket holds back")
    )]
    pub(crate) const QUOTA: u16 = 4429;
}

/// How a connection ended, kept so that each later operation can say so.
#[derive(Clone, Debug)]
pub(crate) struct End {
    kind: ErrorKind,
    detail: String,
    closed: Option<Closed>,
}

impl End {
    /// Both sides, or the peer, have closed it.
    pub(crate) fn closed(closed: Closed) -> Self {
        let (kind, detail) = if closed.in_order() || closed.code >= 3000 {
            (ErrorKind::Closed, "the peer has closed the connection")
        } else if closed.code == Closed::BROKEN {
            let detail = "the connection broke: the peer is gone without a close frame";
            (ErrorKind::Transport, detail)
        } else {
            (ErrorKind::Transport, "the peer has given up the connection")
        };
        Self {
            kind,
            detail: detail.to_owned(),
            closed: Some(closed),
        }
    }

    /// This side has closed it, and the peer has, too.
    pub(crate) fn by_us() -> Self {
        let reason = String::new();
        let (code, clean) = (code::NORMAL, true);
        Self {
            kind: ErrorKind::Closed,
            detail: CLOSED_HERE.to_owned(),
            closed: Some(Closed {
                code,
                reason,
                clean,
            }),
        }
    }

    /// It broke, for this reason.
    pub(crate) fn broken(why: impl std::fmt::Display) -> Self {
        Self {
            kind: ErrorKind::Transport,
            detail: format!("the connection broke: {why}"),
            closed: Some(Closed::broken()),
        }
    }

    /// The peer has sent what it must not, and is disconnected.
    pub(crate) fn violation(detail: String) -> Self {
        Self {
            kind: ErrorKind::Protocol,
            detail,
            closed: None,
        }
    }

    /// Whether what was sent before may have been lost.
    pub(crate) fn is_broken(&self) -> bool {
        self.kind == ErrorKind::Transport
    }

    /// Whether this side has disconnected a peer that sent what it must not.
    #[cfg_attr(
        target_arch = "wasm32",
        expect(dead_code, reason = "browsers see to it")
    )]
    pub(crate) fn is_violation(&self) -> bool {
        self.kind == ErrorKind::Protocol
    }

    /// It has ended before it was open. Browsers do not tell why, lest pages explore networks.
    #[cfg_attr(
        not(target_arch = "wasm32"),
        expect(dead_code, reason = "the system tells why")
    )]
    pub(crate) fn unopened(&self, place: &str) -> Error {
        let detail = "no WebSocket was opened, and the browser does not say why: nobody listens \
                      there, the server has refused, its certificate is not trusted, or the \
                      page's policy forbids it; the browser's console may tell";
        let error = Error::new(ErrorKind::Transport, detail).context(place);
        match &self.closed {
            Some(closed) => error.with_source(closed.clone()),
            None => error,
        }
    }

    /// What a receive gives from now on.
    pub(crate) fn received(&self, place: &str) -> Result<Option<Bytes>> {
        if self.closed.as_ref().is_some_and(Closed::in_order) {
            return Ok(None);
        }
        Err(self.error(place))
    }

    /// What every other operation gives from now on.
    pub(crate) fn error(&self, place: &str) -> Error {
        let error = Error::new(self.kind, self.detail.as_str()).context(place);
        match &self.closed {
            Some(closed) => error.with_source(closed.clone()),
            None => error,
        }
    }
}

const CLOSED_HERE: &str = "the connection was closed on this side";

/// An operation after `close`.
pub(crate) fn closed_here(place: &str) -> Error {
    Error::new(ErrorKind::Closed, CLOSED_HERE).context(place)
}

/// A text message came in.
pub(crate) fn text_received() -> End {
    End::violation(
        "the peer has sent a text message; frames travel as binary messages \
         (closed with code 4400)"
            .to_owned(),
    )
}

/// A frame above the limit came in.
pub(crate) fn too_large_received(size: usize, limit: usize) -> End {
    End::violation(format!(
        "the peer has sent a frame of {size} bytes, above the limit of {limit}: raise \
         `Limits::max_frame` here or send less there (closed with code 4413)"
    ))
}

/// More frames came in than wait to be received.
#[cfg_attr(
    not(target_arch = "wasm32"),
    expect(dead_code, reason = "the socket holds back")
)]
pub(crate) fn too_much_received(limit: usize) -> End {
    End::violation(format!(
        "the peer has sent more than the {limit} bytes that may wait to be received: receive \
         faster, let the peer send less ahead (a session does), or raise `Limits::receive_queue` \
         (closed with code 4429)"
    ))
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

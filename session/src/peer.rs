use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use choreo_core::{Error, ErrorKind, Result, Transport};

use crate::core::Refused;
use crate::pair::Next;
use crate::session::Handle;
use crate::wire::Abort;

/// The way to one peer of a session: a [`Transport`] that connections may break under.
///
/// Frames arrive exactly once and in order while both processes live. A send is done once the
/// session keeps the frame, and waits while the window is full; it fails only when the stream has
/// ended or the session is over. Clones are the same way.
#[derive(Clone)]
pub struct PeerTransport {
    handle: Arc<Handle>,
    peer: usize,
}

impl PeerTransport {
    pub(crate) fn new(handle: Arc<Handle>, peer: usize) -> Self {
        Self { handle, peer }
    }

    fn refused(&self, refused: Refused, length: usize) -> Error {
        let role = &self.handle.shared.peers[self.peer];
        match refused {
            Refused::Lost(abort) => lost(abort),
            Refused::TooLarge(limit) => {
                let detail = format!(
                    "a message of {length} bytes where the session allows {limit}; raise \
                     `Limits::message` at all roles, or send it in parts"
                );
                Error::new(ErrorKind::Config, detail)
            }
            Refused::Closed | Refused::Full => {
                Error::new(ErrorKind::Closed, format!("the stream to {role} has ended"))
            }
        }
    }
}

#[async_trait]
impl Transport for PeerTransport {
    async fn send(&self, frame: Bytes) -> Result<()> {
        let shared = &self.handle.shared;
        let length = frame.len();
        let alone = {
            let mut state = shared.state();
            match state.core.send(self.peer, frame.clone()) {
                Err(Refused::Full) => None,
                Err(refused) => return Err(self.refused(refused, length)),
                Ok(()) => Some(state.core.look(self.peer).unacked == 1),
            }
        };
        match alone {
            // Nothing else is under way: out with it. Else there will be company.
            Some(true) => shared.flush(),
            Some(false) => shared.kick(),
            None => {
                let room = || shared.writable(self.peer);
                let sent = shared.drive(room, |state, _| {
                    match state.core.send(self.peer, frame.clone()) {
                        Err(Refused::Full) => None,
                        other => Some(other),
                    }
                });
                sent.await
                    .map_err(|refused| self.refused(refused, length))?;
            }
        }
        Ok(())
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        let shared = &self.handle.shared;
        let message = || shared.readable(self.peer);
        let received = shared.drive(message, |state, now| {
            match state.core.recv(self.peer, now) {
                Ok(Next::Wait) => None,
                Ok(Next::Message(frame)) => Some(Ok(Some(frame))),
                Ok(Next::Closed) => Some(Ok(None)),
                Err(abort) => Some(Err(lost(abort))),
            }
        });
        received.await
    }

    async fn close(&self) -> Result<()> {
        let shared = &self.handle.shared;
        shared.state().core.close(self.peer);
        shared.flush();
        shared.change();
        Ok(())
    }
}

/// The session is over, not in order.
pub(crate) fn lost(abort: Abort) -> Error {
    Error::new(ErrorKind::Transport, "the session is over").with_source(abort)
}

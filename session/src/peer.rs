use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use bytes::Bytes;
use choreo_core::{Error, ErrorKind, Result, Transport};

use crate::core::Refused;
use crate::pair::{Look, Next};
use crate::session::Handle;
use crate::shared::{After, State, Wait};
use crate::time::Time;
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

    /// Gives the session a frame to send, if there is room. Others are likely to follow one that is
    /// `streaming`.
    fn put(
        &self,
        state: &mut State,
        frame: &mut Option<Bytes>,
        sent: &mut Result<(), Refused>,
        streaming: bool,
    ) -> Option<After> {
        let before = state.core.look(self.peer);
        *sent = state.core.send(self.peer, frame);
        if *sent == Err(Refused::Full) {
            return None;
        }
        Some(match before {
            // Nothing else is under way: out with it.
            Look { unacked: 0, .. } if !streaming => After::Flush,
            Look { unsent: 0, .. } => After::Kick,
            // Whoever sees to the one before takes it along.
            _ => After::Nothing,
        })
    }

    /// Takes the next frame out of the session, if there is one.
    fn take(
        &self,
        state: &mut State,
        clock: Time,
        received: &mut Result<Option<Bytes>>,
    ) -> Option<After> {
        let was_due = state.core.has_output(clock);
        *received = match state.core.recv(self.peer, clock) {
            Ok(Next::Wait) => return None,
            Ok(Next::Message(frame)) => Ok(Some(frame)),
            Ok(Next::Closed) => Ok(None),
            Err(abort) => Err(lost(abort)),
        };
        Some(match state.core.look(self.peer) {
            Look { waiting: 0, .. } => After::Flush,
            // Whoever takes the rest at once may have more to acknowledge.
            _ if !was_due => After::Kick,
            _ => After::Nothing,
        })
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
        let (length, mut frame, mut sent) = (frame.len(), Some(frame), Ok(()));
        let mut waited = false;
        let mut put = |state: &mut State, _| {
            let streaming = std::mem::replace(&mut waited, true);
            self.put(state, &mut frame, &mut sent, streaming)
        };
        let room = Wait::Room(self.peer);
        self.handle.shared.drive(room, &mut put).await;
        sent.map_err(|refused| self.refused(refused, length))
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        let mut received = Ok(None);
        let mut take = |state: &mut State, clock| self.take(state, clock, &mut received);
        let message = Wait::Message(self.peer);
        self.handle.shared.drive(message, &mut take).await;
        received
    }

    fn try_send(&self, frame: Bytes) -> Result<Option<Bytes>> {
        let (length, mut frame, mut sent) = (frame.len(), Some(frame), Ok(()));
        let mut put = |state: &mut State, _| self.put(state, &mut frame, &mut sent, false);
        if !self.handle.shared.try_done(&mut put) {
            return Ok(frame);
        }
        match sent {
            Ok(()) => Ok(None),
            Err(refused) => Err(self.refused(refused, length)),
        }
    }

    fn try_recv(&self) -> Poll<Result<Option<Bytes>>> {
        let mut received = Ok(None);
        let mut take = |state: &mut State, clock| self.take(state, clock, &mut received);
        match self.handle.shared.try_done(&mut take) {
            true => Poll::Ready(received),
            false => Poll::Pending,
        }
    }

    /// Each of those who wait may read for all.
    fn takes_turns(&self) -> bool {
        true
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

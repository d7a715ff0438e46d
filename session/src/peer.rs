use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use bytes::Bytes;
use choreo_core::{Error, ErrorKind, Result, Transport};

use crate::core::Refused;
use crate::pair::{Look, Next, Time};
use crate::session::Handle;
use crate::shared::{After, State, Wait};
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
        streaming: bool,
    ) -> Option<(Result<(), Refused>, After)> {
        let before = state.core.look(self.peer);
        let sent = state.core.send(self.peer, frame);
        let after = match before {
            // Nothing else is under way: out with it.
            Look { unacked: 0, .. } if !streaming => After::Flush,
            Look { unsent: 0, .. } => After::Kick,
            // Whoever sees to the one before takes it along.
            _ => After::Nothing,
        };
        (sent != Err(Refused::Full)).then_some((sent, after))
    }

    /// Takes the next frame out of the session, if there is one.
    fn take(&self, state: &mut State, clock: Time) -> Option<(Result<Option<Bytes>>, After)> {
        let was_due = state.core.has_output(clock);
        let received = match state.core.recv(self.peer, clock) {
            Ok(Next::Wait) => return None,
            Ok(Next::Message(frame)) => Ok(Some(frame)),
            Ok(Next::Closed) => Ok(None),
            Err(abort) => Err(lost(abort)),
        };
        let after = match state.core.look(self.peer) {
            Look { waiting: 0, .. } => After::Flush,
            // Whoever takes the rest at once may have more to acknowledge.
            _ if !was_due => After::Kick,
            _ => After::Nothing,
        };
        Some((received, after))
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
        let (length, mut frame) = (frame.len(), Some(frame));
        let room = Wait::Room(self.peer);
        let mut waited = false;
        let sent = self.handle.shared.drive(room, |state, _| {
            let streaming = std::mem::replace(&mut waited, true);
            self.put(state, &mut frame, streaming)
        });
        sent.await.map_err(|refused| self.refused(refused, length))
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        let message = Wait::Message(self.peer);
        let received = self
            .handle
            .shared
            .drive(message, |state, clock| self.take(state, clock));
        received.await
    }

    fn try_send(&self, frame: Bytes) -> Result<Option<Bytes>> {
        let (length, mut frame) = (frame.len(), Some(frame));
        let sent = self
            .handle
            .shared
            .try_done(|state, _| self.put(state, &mut frame, false));
        match sent {
            Some(sent) => sent
                .map(|()| None)
                .map_err(|refused| self.refused(refused, length)),
            None => Ok(frame),
        }
    }

    fn try_recv(&self) -> Poll<Result<Option<Bytes>>> {
        let received = self
            .handle
            .shared
            .try_done(|state, clock| self.take(state, clock));
        received.map_or(Poll::Pending, Poll::Ready)
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

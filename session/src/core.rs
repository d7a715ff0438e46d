//! The protocol of one role without input and output: events and time go in, frames come out.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::pair::{Look, Next, Pair};
use crate::time::Time;
use crate::wire::{Abort, Code, Frame, Kind};
use crate::{Limits, Timing};

/// What one role knows of a session: a [`Pair`] for each peer, and the connection below them.
///
/// Time is counted from the beginning of the session.
pub(crate) struct Core {
    /// By which process the role is played.
    instance: u128,
    pairs: Vec<Pair>,
    limits: Limits,
    timing: Timing,
    up: bool,
    /// When something came last.
    heard: Time,
    /// Whether something came on this connection.
    was_heard: bool,
    /// How often to ask for a sign of life; the server's task.
    ping_every: Option<Duration>,
    ping_at: Time,
    ping_due: bool,
    pong_due: bool,
    abort_due: Option<Abort>,
    leave: Leave,
    /// The other end of a direct connection has said goodbye.
    left: bool,
    lost: Option<Abort>,
    /// Whose turn it is, so that no peer starves the others.
    turn: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Leave {
    No,
    Due,
    Said,
}

/// Why a message was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No room now.
    Full,
    /// The stream has ended.
    Closed,
    /// Above the limit, which is given.
    TooLarge(u32),
    /// The session is over.
    Lost(Abort),
}

/// What the driver has to do about a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Nothing.
    None,
    /// Connect again, at some moment within this time.
    Move(Duration),
}

impl Core {
    pub(crate) fn new(instance: u128, peers: usize, limits: Limits, timing: Timing) -> Self {
        Self {
            instance,
            pairs: (0..peers).map(|_| Pair::new(&timing)).collect(),
            limits,
            timing,
            up: false,
            heard: Time::ZERO,
            was_heard: false,
            ping_every: None,
            ping_at: Time::ZERO,
            ping_due: false,
            pong_due: false,
            abort_due: None,
            leave: Leave::No,
            left: false,
            lost: None,
            turn: 0,
        }
    }

    /// Lets this end ask for signs of life.
    pub(crate) fn ping_every(&mut self, interval: Duration) {
        self.ping_every = Some(interval);
    }

    /// Takes a message for a peer (counted from 0), and leaves it where it is if it is refused.
    pub(crate) fn send(&mut self, peer: usize, message: &mut Option<Bytes>) -> Result<(), Refused> {
        let length = message.as_ref().map_or(0, Bytes::len);
        if let Some(abort) = &self.lost {
            return Err(Refused::Lost(abort.clone()));
        }
        if length > self.limits.message as usize {
            return Err(Refused::TooLarge(self.limits.message));
        }
        let pair = &mut self.pairs[peer];
        if pair.is_closed() {
            return Err(Refused::Closed);
        }
        if !pair.has_room(&self.limits) {
            return Err(Refused::Full);
        }
        pair.push(message.take().unwrap_or_default(), &self.limits);
        Ok(())
    }

    /// Takes the next message from a peer; all that came before the session was lost comes first.
    pub(crate) fn recv(&mut self, peer: usize, now: Time) -> Result<Next, Abort> {
        match self.pairs[peer].pop(now, &self.limits) {
            Next::Wait => self.lost.clone().map_or(Ok(Next::Wait), Err),
            next => Ok(next),
        }
    }

    /// Ends the stream to a peer.
    pub(crate) fn close(&mut self, peer: usize) {
        self.pairs[peer].close();
    }

    /// Ends the session at once, and tells all.
    pub(crate) fn abort(&mut self, abort: Abort) {
        if self.lost.is_none() {
            self.abort_due = Some(abort.clone());
            self.lost = Some(abort);
        }
    }

    /// The session is over, and the others know.
    pub(crate) fn lose(&mut self, abort: Abort) {
        self.lost.get_or_insert(abort);
    }

    /// The session has ended; nothing more goes in or out. If it is lost, all are told so rather
    /// than that their streams have ended.
    pub(crate) fn end(&mut self) {
        if self.lost.is_none() {
            self.pairs.iter_mut().for_each(Pair::end);
        }
    }

    /// Whether goodbye was said, or is to be.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leave != Leave::No
    }

    /// Whether the other end has said goodbye, and hears nothing more.
    pub(crate) fn is_left(&self) -> bool {
        self.left
    }

    /// Why the session is lost, if it is.
    pub(crate) fn lost(&self) -> Option<&Abort> {
        self.lost.as_ref()
    }

    /// Whether every stream has ended and all of it has arrived.
    pub(crate) fn is_settled(&self) -> bool {
        self.pairs.iter().all(Pair::is_settled)
    }

    /// Whether there were peers, and all have left for good.
    pub(crate) fn is_deserted(&self) -> bool {
        !self.pairs.is_empty() && self.pairs.iter().all(Pair::is_gone)
    }

    /// Says goodbye to the server.
    pub(crate) fn leave(&mut self) {
        if self.leave == Leave::No {
            self.leave = Leave::Due;
        }
    }

    /// Whether a message from the peer, the end or an error can be had now.
    pub(crate) fn is_readable(&self, peer: usize) -> bool {
        self.lost.is_some() || self.pairs[peer].is_readable()
    }

    /// Whether a message to the peer would be taken, or refused for good, now.
    pub(crate) fn is_writable(&self, peer: usize) -> bool {
        let pair = &self.pairs[peer];
        self.lost.is_some() || pair.is_closed() || pair.has_room(&self.limits)
    }

    pub(crate) fn look(&self, peer: usize) -> Look {
        self.pairs[peer].look()
    }

    /// The number of the next message from a peer.
    #[cfg(test)]
    pub(crate) fn due(&self, peer: usize) -> u64 {
        self.pairs[peer].due()
    }

    /// When something came last.
    pub(crate) fn heard(&self) -> Time {
        self.heard
    }

    /// Whether something came on this connection, or the last one.
    pub(crate) fn was_heard(&self) -> bool {
        self.was_heard
    }

    /// A connection is there, on which the other side has agreed to these limits.
    pub(crate) fn link_up(&mut self, limits: Limits, now: Time) {
        self.limits = limits;
        self.up = true;
        self.heard = now;
        self.was_heard = false;
        self.ping_at = now + self.ping_every.unwrap_or_default();
        self.ping_due = false;
        self.pong_due = false;
        if self.leave == Leave::Said {
            self.leave = Leave::Due;
        }
        for pair in &mut self.pairs {
            pair.link_up(&self.timing);
        }
    }

    /// The connection broke.
    pub(crate) fn link_down(&mut self) {
        self.up = false;
    }

    /// Takes what came in one message of the transport. On an error the session is over, and all
    /// are told.
    pub(crate) fn handle(&mut self, bytes: Bytes, now: Time) -> Advice {
        let mut advice = Advice::None;
        if let Err(abort) = self.handle_all(bytes, now, &mut advice) {
            self.abort(abort);
        }
        advice
    }

    fn handle_all(
        &mut self,
        mut bytes: Bytes,
        now: Time,
        advice: &mut Advice,
    ) -> Result<(), Abort> {
        while let Some(frame) = Frame::decode(&mut bytes, self.limits.frame as usize)? {
            match self.handle_frame(frame, now)? {
                Advice::None => {}
                more => *advice = more,
            }
        }
        Ok(())
    }

    fn handle_frame(&mut self, frame: Frame, now: Time) -> Result<Advice, Abort> {
        self.heard = now;
        self.was_heard = true;
        if frame.kind == Kind::Abort {
            self.lose(Abort::from_frame(&frame));
            return Ok(Advice::None);
        }
        if frame.peer == 0 {
            return self.handle_link(&frame, now);
        }
        let count = self.pairs.len();
        let pair = self.pairs.get_mut(frame.peer as usize - 1).ok_or_else(|| {
            let reason = format_args!("peer {} where there are {count}", frame.peer);
            Abort::new(Code::Malformed, reason)
        })?;
        pair.handle(frame, now, &self.limits, &self.timing)?;
        Ok(Advice::None)
    }

    /// Frames of the connection itself.
    fn handle_link(&mut self, frame: &Frame, now: Time) -> Result<Advice, Abort> {
        match frame.kind {
            Kind::Ping => {
                self.pong_due = true;
                for pair in &mut self.pairs {
                    pair.remind(now);
                }
            }
            Kind::Pong | Kind::Ack => {}
            Kind::Fin => {
                // The only peer of a direct connection leaves.
                self.left = true;
                self.pairs.iter_mut().for_each(Pair::end);
            }
            Kind::GoAway => return Ok(Advice::Move(Duration::from_millis(frame.seq))),
            kind => {
                let reason = format_args!("{kind:?} within a session");
                return Err(Abort::new(Code::Malformed, reason));
            }
        }
        Ok(Advice::None)
    }

    /// Appends what is due to the empty `out`, at most `max` bytes or one frame; false if nothing
    /// is.
    pub(crate) fn transmit(&mut self, now: Time, max: usize, out: &mut BytesMut) -> bool {
        let before = out.len();
        if let Some(abort) = self.abort_due.take() {
            abort.to_frame(0).encode(out);
        }
        if self.lost.is_some() || !self.up {
            return out.len() > before;
        }
        if std::mem::take(&mut self.pong_due) {
            Frame::new(Kind::Pong, 0).encode(out);
        }
        if std::mem::take(&mut self.ping_due) {
            Frame::new(Kind::Ping, 0).encode(out);
        }
        let count = self.pairs.len();
        for step in 0..count {
            let index = (self.turn + step) % count;
            let peer = index as u32 + 1;
            let first = out.is_empty();
            let me = self.instance;
            if self.pairs[index].transmit(peer, me, now, &self.limits, max, out) {
                // Who had all of it comes last next time; who found it begun comes first.
                self.turn = (index + usize::from(first)) % count;
                return true;
            }
        }
        if self.leave == Leave::Due {
            self.leave = Leave::Said;
            Frame::new(Kind::Fin, 0).encode(out);
        }
        out.len() > before
    }

    /// Whether [`transmit`](Self::transmit) has something to append.
    pub(crate) fn has_output(&self, now: Time) -> bool {
        let pairs = || self.pairs.iter().any(|pair| pair.has_output(now));
        let link = || self.pong_due || self.ping_due || self.leave == Leave::Due || pairs();
        self.abort_due.is_some() || self.lost.is_none() && self.up && link()
    }

    /// Whether messages wait for credit, or for the peer.
    pub(crate) fn has_unsent(&self) -> bool {
        self.pairs.iter().any(Pair::has_unsent)
    }

    /// When [`timeout`](Self::timeout) or [`transmit`](Self::transmit) has something to do.
    pub(crate) fn deadline(&self, now: Time) -> Option<Time> {
        if !self.up || self.lost.is_some() {
            return None;
        }
        let mut first = self.heard + self.timing.silence;
        if self.ping_every.is_some() {
            first = first.min(self.ping_at);
        }
        for pair in &self.pairs {
            first = pair.deadline(now).map_or(first, |due| first.min(due));
        }
        Some(first)
    }

    /// Does what time asks for; true when the connection is dead.
    pub(crate) fn timeout(&mut self, now: Time) -> bool {
        if !self.up {
            return false;
        }
        for pair in &mut self.pairs {
            pair.timeout(now, &self.timing);
        }
        if let Some(interval) = self.ping_every
            && self.ping_at <= now
        {
            self.ping_due = true;
            self.ping_at = now + interval;
            for pair in &mut self.pairs {
                pair.remind(now);
            }
        }
        self.heard + self.timing.silence <= now
    }
}

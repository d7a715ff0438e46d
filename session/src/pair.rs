//! One ordered pair of roles in both directions: numbers, buffers, acknowledgements, credit.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::time::Time;
use crate::wire::{Abort, Code, Flags, Frame, Kind, MAX_HEADER};
use crate::{Limits, Timing};

/// Acknowledge when the application has taken so many messages, and all that came.
const ACK_MESSAGES: u64 = 32;
/// Acknowledge at once when so many bytes have come.
const ACK_BYTES: usize = 64 * 1024;
/// What a header takes, as a rule at most.
const USUAL_HEADER: usize = 16;
/// The same request to send again counts once within this time: a gap and an answer may both ask.
const REWIND_PAUSE: Time = Time::from_millis(200);

/// The stream to one peer and the stream from it.
pub(crate) struct Pair {
    out: Outbound,
    inn: Inbound,
    sync: Sync,
    /// The next wait for an answer or an acknowledgement.
    wait: Time,
    /// Since when an acknowledgement from the peer is due.
    quiet_since: Time,
    /// When to acknowledge.
    ack_at: Option<Time>,
    /// An ACK that tells the peer where to send on from is due.
    rewind_due: bool,
    /// By whom the peer is played, once that is known.
    instance: Option<u128>,
    /// The peer has left for good.
    gone: bool,
}

/// Whether both ends know, on this connection, where they are. Until then no message goes out: it
/// might be sent for nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sync {
    /// The question is to be sent.
    Due,
    /// It was sent; if nothing comes, it is asked again.
    Asked(Time),
    /// They do.
    Done,
}

struct Outbound {
    /// The number of the first part in the buffer: the lowest that is not acknowledged.
    base: u64,
    /// The number to transmit next; below `base + parts.len()` when some wait.
    next: u64,
    parts: VecDeque<Part>,
    bytes: usize,
    /// The highest number that may be transmitted.
    credit: u64,
    /// The last request to send again: from where, and when.
    rewound: Option<(u64, Time)>,
    closed: bool,
}

struct Part {
    payload: Bytes,
    kind: PartKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PartKind {
    /// The message goes on in the next.
    More,
    /// The message ends here.
    Last,
    /// The stream ends here.
    Fin,
}

struct Inbound {
    /// The number that is due.
    next: u64,
    inbox: VecDeque<Bytes>,
    bytes: usize,
    /// The parts so far of a message that is not complete.
    partial: BytesMut,
    /// The credit that the peer was told last.
    told_credit: u64,
    /// How many bytes came since the last acknowledgement.
    unacked_bytes: usize,
    /// A gap before this number was reported.
    gap: Option<u64>,
    /// Something was refused because the inbox was full.
    stalled: bool,
    fin: bool,
}

/// What is next in the inbox.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A message.
    Message(Bytes),
    /// Nothing yet.
    Wait,
    /// Nothing more will come.
    Closed,
}

/// A look at a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) unacked: usize,
    /// Of those, how many have not gone out.
    pub(crate) unsent: u64,
    pub(crate) waiting: usize,
    pub(crate) met: bool,
    pub(crate) closed: bool,
}

impl Pair {
    pub(crate) fn new(timing: &Timing) -> Self {
        Self {
            out: Outbound {
                base: 1,
                next: 1,
                parts: VecDeque::new(),
                bytes: 0,
                credit: 0,
                rewound: None,
                closed: false,
            },
            inn: Inbound {
                next: 1,
                inbox: VecDeque::new(),
                bytes: 0,
                partial: BytesMut::new(),
                told_credit: 0,
                unacked_bytes: 0,
                gap: None,
                stalled: false,
                fin: false,
            },
            sync: Sync::Due,
            wait: timing.retry.into(),
            quiet_since: Time::ZERO,
            ack_at: None,
            rewind_due: false,
            instance: None,
            gone: false,
        }
    }

    /// Whether a message would be taken.
    pub(crate) fn has_room(&self, limits: &Limits) -> bool {
        self.out.parts.len() < limits.window as usize
            && self.out.bytes < limits.window_bytes as usize
    }

    /// Whether nothing more can be sent: this end has ended its stream, or the peer has, and
    /// everything that it sent was received.
    pub(crate) fn is_closed(&self) -> bool {
        self.out.closed || self.gone || self.inn.fin && self.inn.inbox.is_empty()
    }

    /// Takes a message, in parts where it is long. There must be room.
    pub(crate) fn push(&mut self, mut message: Bytes, limits: &Limits) {
        while message.len() > limits.frame as usize {
            let payload = message.split_to(limits.frame as usize);
            self.out.push(payload, PartKind::More);
        }
        self.out.push(message, PartKind::Last);
    }

    /// Ends the stream to the peer after what was pushed.
    pub(crate) fn close(&mut self) {
        if !self.out.closed {
            self.out.closed = true;
            self.out.push(Bytes::new(), PartKind::Fin);
        }
    }

    /// The session has ended.
    pub(crate) fn end(&mut self) {
        self.gone = true;
    }

    /// Whether the peer has left for good.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone
    }

    /// Whether this end has ended its stream and all of it has arrived. Nobody waits for a peer
    /// that was never met and never spoken to.
    pub(crate) fn is_settled(&self) -> bool {
        let strangers = self.instance.is_none() && self.out.base == 1 && self.out.parts.len() <= 1;
        self.gone || self.out.closed && (self.out.parts.is_empty() || strangers)
    }

    /// Takes the next message out of the inbox.
    pub(crate) fn pop(&mut self, now: Time, limits: &Limits) -> Next {
        let Some(message) = self.inn.inbox.pop_front() else {
            let closed = self.inn.fin || self.gone;
            return if closed { Next::Closed } else { Next::Wait };
        };
        self.inn.bytes -= message.len();
        if self.inn.stalled && self.inn.bytes < limits.window_bytes as usize / 2 {
            self.inn.stalled = false;
            self.rewind_due = true;
        }
        // Told when the peer has half of it left, so that it need not wait, or when nothing more is
        // there to be told at once.
        let taken = self.inn.credit(limits) - self.inn.told_credit;
        let half = u64::from(limits.window / 2);
        if taken >= half || taken >= ACK_MESSAGES && self.inn.inbox.is_empty() {
            self.ack_at = Some(now);
        }
        Next::Message(message)
    }

    /// Whether [`pop`](Self::pop) would give something.
    pub(crate) fn is_readable(&self) -> bool {
        !self.inn.inbox.is_empty() || self.inn.fin || self.gone
    }

    /// A new connection: ask where the peer is.
    pub(crate) fn link_up(&mut self, timing: &Timing) {
        self.sync = Sync::Due;
        self.wait = timing.retry.into();
        self.out.rewound = None;
        self.inn.gap = None;
    }

    /// Says once more what has arrived, in case that was lost.
    pub(crate) fn remind(&mut self, now: Time) {
        if self.instance.is_some() {
            self.ack_at = Some(now);
        }
    }

    /// Takes a frame from the peer.
    pub(crate) fn handle(
        &mut self,
        frame: Frame,
        now: Time,
        limits: &Limits,
        timing: &Timing,
    ) -> Result<(), Abort> {
        if frame.kind == Kind::Fin && frame.seq == 0 {
            self.gone = true;
            return Ok(());
        }
        self.acked(&frame, now, timing)?;
        match frame.kind {
            Kind::Ack => self.asked(&frame, now),
            Kind::Data | Kind::Fin => self.arrived(frame, now, limits, timing),
            kind => {
                let reason = format_args!("{kind:?} is no frame between roles");
                Err(Abort::new(Code::Malformed, reason))
            }
        }
    }

    /// Notes what the peer has, and how much more it takes.
    fn acked(&mut self, frame: &Frame, now: Time, timing: &Timing) -> Result<(), Abort> {
        let end = self.out.end();
        if frame.ack > end {
            let (given, due) = (frame.ack - 1, end - 1);
            let reason = format_args!("message {given} is acknowledged, {due} were sent");
            return Err(Abort::new(Code::Malformed, reason));
        }
        if self.out.trim(frame.ack) {
            self.quiet_since = now;
            self.wait = timing.retry.into();
        }
        self.out.credit = self.out.credit.max(frame.credit);
        Ok(())
    }

    /// An ACK may ask to send again, and to be answered.
    fn asked(&mut self, frame: &Frame, now: Time) -> Result<(), Abort> {
        if !frame.flags.contains(Flags::REWIND) {
            return Ok(());
        }
        self.meet(&frame.payload)?;
        let asks = frame.flags.contains(Flags::SYNC);
        if asks {
            self.rewind_due = true;
        }
        // Older than what is known: it was under way for long.
        if frame.ack < self.out.base {
            return Ok(());
        }
        // Who asks has a new connection: what was under way on the last one is lost.
        let expected = asks || self.sync != Sync::Done;
        let repeated = self
            .out
            .rewound
            .is_some_and(|(from, at)| from == frame.ack && now.saturating_sub(at) < REWIND_PAUSE);
        if expected || !repeated {
            self.out.rewound = Some((frame.ack, now));
            self.out.next = frame.ack;
        }
        self.sync = Sync::Done;
        self.quiet_since = now;
        Ok(())
    }

    /// The peer must be played by the same process all along: another one has another past.
    fn meet(&mut self, payload: &[u8]) -> Result<(), Abort> {
        let instance = payload.try_into().map(u128::from_le_bytes).map_err(|_| {
            let found = payload.len();
            let reason = format_args!("an instance of {found} bytes where 16 are due");
            Abort::new(Code::Malformed, reason)
        })?;
        if *self.instance.get_or_insert(instance) == instance {
            return Ok(());
        }
        let reason = "the peer was started anew; what it knew of the session is lost";
        Err(Abort::new(Code::Expired, reason))
    }

    /// A part of the stream has arrived.
    fn arrived(
        &mut self,
        frame: Frame,
        now: Time,
        limits: &Limits,
        timing: &Timing,
    ) -> Result<(), Abort> {
        if frame.seq > self.inn.told_credit {
            let (seq, credit) = (frame.seq, self.inn.told_credit);
            let reason = format_args!("message {seq} where the credit ends at {credit}");
            return Err(Abort::new(Code::Quota, reason));
        }
        if frame.seq < self.inn.next {
            // The acknowledgement was lost.
            self.ack_at = Some(now);
            return Ok(());
        }
        if frame.seq > self.inn.next {
            if self.inn.gap.replace(self.inn.next) != Some(self.inn.next) {
                self.rewind_due = true;
            }
            return Ok(());
        }
        if self.inn.bytes >= limits.window_bytes as usize {
            self.inn.stalled = true;
            return Ok(());
        }
        let length = frame.payload.len();
        self.inn.accept(frame, limits)?;
        self.inn.unacked_bytes += length;
        let enough = self.inn.fin || self.inn.unacked_bytes >= ACK_BYTES;
        let at = if enough { now } else { now + timing.ack_delay };
        self.ack_at = Some(self.ack_at.map_or(at, |earlier| earlier.min(at)));
        Ok(())
    }

    /// Appends what is due for the peer, so that there are at most `max` bytes or one frame; true
    /// if something is left that has no room.
    pub(crate) fn transmit(
        &mut self,
        peer: u32,
        me: u128,
        now: Time,
        limits: &Limits,
        max: usize,
        out: &mut BytesMut,
    ) -> bool {
        let fits = |out: &BytesMut, payload: usize| {
            out.is_empty() || out.len() + MAX_HEADER + payload <= max
        };
        let instance = me.to_le_bytes();
        let asking = self.sync == Sync::Due;
        if asking || self.rewind_due {
            if !fits(out, instance.len()) {
                return true;
            }
            self.rewind_due = false;
            let mut frame = Frame::new(Kind::Ack, peer);
            frame.flags = Flags::REWIND;
            if asking {
                frame.flags = frame.flags.with(Flags::SYNC);
                self.sync = Sync::Asked(now + self.wait);
            }
            self.stamp(&mut frame, limits);
            frame.with_payload(instance.to_vec()).encode(out);
        }
        if self.sync == Sync::Done {
            out.reserve(self.out.due_bytes().min(max.saturating_sub(out.len())));
        }
        while self.sync == Sync::Done
            && let Some(place) = self.out.due()
        {
            if !fits(out, self.out.parts[place].payload.len()) {
                return true;
            }
            let mut frame = self.out.transmit(peer, place);
            // The wait for an acknowledgement begins with the first that is under way.
            if place == 0 {
                self.quiet_since = now;
            }
            self.stamp(&mut frame, limits);
            frame.encode_with(&self.out.parts[place].payload, out);
        }
        if self.ack_at.is_some_and(|at| at <= now) {
            if !fits(out, 0) {
                return true;
            }
            let mut frame = Frame::new(Kind::Ack, peer);
            self.stamp(&mut frame, limits);
            frame.encode(out);
        }
        false
    }

    /// Whether [`transmit`](Self::transmit) has something to append.
    pub(crate) fn has_output(&self, now: Time) -> bool {
        self.sync == Sync::Due
            || self.rewind_due
            || self.ack_at.is_some_and(|at| at <= now)
            || self.sync == Sync::Done && self.out.may_transmit()
    }

    /// Whether messages have not gone out yet.
    pub(crate) fn has_unsent(&self) -> bool {
        self.out.next < self.out.end()
    }

    /// Every frame says what has arrived.
    fn stamp(&mut self, frame: &mut Frame, limits: &Limits) {
        frame.ack = self.inn.next;
        frame.credit = self.inn.credit(limits);
        self.inn.told_credit = frame.credit;
        self.inn.unacked_bytes = 0;
        self.ack_at = None;
    }

    /// When [`timeout`](Self::timeout) has something to do, or an acknowledgement will be due; one
    /// that is due already goes out as soon as the connection takes it.
    pub(crate) fn deadline(&self, now: Time) -> Option<Time> {
        let ask = match self.sync {
            Sync::Due => None,
            Sync::Asked(again) => Some(again),
            Sync::Done => self.out.is_waiting().then(|| self.quiet_since + self.wait),
        };
        let ack = self.ack_at.filter(|at| *at > now);
        [ask, ack].into_iter().flatten().min()
    }

    /// Asks again where the peer is, when nothing has come for too long.
    pub(crate) fn timeout(&mut self, now: Time, timing: &Timing) {
        let late = match self.sync {
            Sync::Due => false,
            Sync::Asked(again) => again <= now,
            Sync::Done => self.out.is_waiting() && self.quiet_since + self.wait <= now,
        };
        if late {
            self.sync = Sync::Due;
            self.wait = (self.wait + self.wait).min(timing.retry_max.into());
        }
    }

    #[cfg(test)]
    pub(crate) fn due(&self) -> u64 {
        self.inn.next
    }

    pub(crate) fn look(&self) -> Look {
        Look {
            unacked: self.out.parts.len(),
            unsent: self.out.end() - self.out.next,
            waiting: self.inn.inbox.len(),
            met: self.instance.is_some(),
            closed: self.gone || self.inn.fin,
        }
    }
}

impl Outbound {
    /// The number of the part that would be pushed next.
    fn end(&self) -> u64 {
        self.base + self.parts.len() as u64
    }

    fn push(&mut self, payload: Bytes, kind: PartKind) {
        self.bytes += payload.len();
        self.parts.push_back(Part { payload, kind });
    }

    /// Forgets what is below `ack`; true if there was something.
    fn trim(&mut self, ack: u64) -> bool {
        let before = self.base;
        while self.base < ack {
            let Some(part) = self.parts.pop_front() else {
                break;
            };
            self.bytes -= part.payload.len();
            self.base += 1;
        }
        self.next = self.next.max(self.base);
        self.base > before
    }

    /// The place of the next part that may go out.
    fn due(&self) -> Option<usize> {
        let place = (self.next - self.base) as usize;
        self.may_transmit().then_some(place)
    }

    /// About how many bytes all that have not gone out would take.
    fn due_bytes(&self) -> usize {
        let first = ((self.next - self.base) as usize).min(self.parts.len());
        let parts = self.parts.range(first..);
        parts.map(|part| USUAL_HEADER + part.payload.len()).sum()
    }

    /// The part at that place goes out; the frame for it, without its payload.
    fn transmit(&mut self, peer: u32, place: usize) -> Frame {
        let mut frame = Frame::new(Kind::Data, peer);
        match self.parts[place].kind {
            PartKind::More => frame.flags = Flags::MORE,
            PartKind::Last => {}
            PartKind::Fin => frame.kind = Kind::Fin,
        }
        frame.seq = self.next;
        self.next += 1;
        frame
    }

    fn may_transmit(&self) -> bool {
        self.next < self.end() && self.next <= self.credit
    }

    /// Whether something is under way, or waits for credit, which may have been lost.
    fn is_waiting(&self) -> bool {
        self.base < self.next || self.next < self.end() && self.next > self.credit
    }
}

impl Inbound {
    /// The highest number that may come: a window above what the application has taken. It never
    /// falls, not even when the next connection has a smaller window.
    fn credit(&self, limits: &Limits) -> u64 {
        let credit = self.next - 1 - self.inbox.len() as u64 + u64::from(limits.window);
        credit.max(self.told_credit)
    }

    /// Takes the part that is due.
    fn accept(&mut self, frame: Frame, limits: &Limits) -> Result<(), Abort> {
        if self.fin {
            let reason = "a message after the end of the stream";
            return Err(Abort::new(Code::Malformed, reason));
        }
        if self.partial.len() + frame.payload.len() > limits.message as usize {
            let limit = limits.message;
            let reason = format_args!("a message of more than {limit} bytes");
            return Err(Abort::new(Code::TooLarge, reason));
        }
        if frame.kind == Kind::Fin {
            if !self.partial.is_empty() {
                let reason = "the stream ends within a message";
                return Err(Abort::new(Code::Malformed, reason));
            }
            self.fin = true;
        } else if frame.flags.contains(Flags::MORE) {
            if frame.payload.is_empty() {
                return Err(Abort::new(Code::Malformed, "an empty part of a message"));
            }
            self.partial.extend_from_slice(&frame.payload);
        } else {
            let message = if self.partial.is_empty() {
                frame.payload
            } else {
                self.partial.extend_from_slice(&frame.payload);
                self.partial.split().freeze()
            };
            self.bytes += message.len();
            self.inbox.push_back(message);
        }
        self.next += 1;
        self.gap = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_window_on_the_next_connection_takes_no_credit_back() {
        let (timing, now) = (Timing::default(), Time::ZERO);
        let wide = Limits {
            window: 64,
            ..Limits::default()
        };
        let narrow = Limits { window: 8, ..wide };
        let mut pair = Pair::new(&timing);
        let mut out = BytesMut::new();
        pair.transmit(1, 7, now, &wide, usize::MAX, &mut out);
        pair.link_up(&timing);
        // All that the peer was allowed to send comes in, and goes out.
        for seq in 1..=64 {
            let mut frame = Frame::new(Kind::Data, 1);
            (frame.seq, frame.ack) = (seq, 1);
            pair.handle(frame, now, &narrow, &timing).unwrap();
            assert_eq!(pair.pop(now, &narrow), Next::Message(Bytes::new()));
        }
        out.clear();
        pair.transmit(1, 7, now, &narrow, usize::MAX, &mut out);
        let told = Frame::decode(&mut out.freeze(), 1 << 10).unwrap().unwrap();
        assert_eq!((told.ack, told.credit), (65, 72));
    }
}

use bytes::{Bytes, BytesMut};

use crate::time::Time;
use crate::wire::{Flags, Frame, Kind};

/// Wrong rules, one in each world: the simulation must find out each of them, or it is worth
/// nothing. They are put around the protocol, which knows nothing of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The protocol as it is.
    None,
    /// Acknowledges one message more than has come.
    AcknowledgesEarly,
    /// Takes a repeated message for the next one.
    TakesRepeats,
    /// Takes a message after a gap for the one that is due.
    TakesGaps,
    /// Does not send again when asked to.
    IgnoresRewinds,
    /// Lets messages go when they are handed to the relay.
    TrustsTheRelay,
    /// Counts from 1 again on each connection.
    CountsAnew,
    /// Never looks at the clock.
    HasNoClock,
    /// Sends without credit.
    IgnoresCredit,
    /// Never answers the question where it is.
    NeverAnswers,
    /// Says the end of its stream before all has gone out.
    EndsEarly,
    /// Takes another process for the one that played the role before.
    MistakesProcesses,
}

impl Fault {
    /// All that ordinary worlds find out.
    pub(super) const WRONG: [Self; 10] = [
        Self::AcknowledgesEarly,
        Self::TakesRepeats,
        Self::TakesGaps,
        Self::IgnoresRewinds,
        Self::TrustsTheRelay,
        Self::CountsAnew,
        Self::HasNoClock,
        Self::IgnoresCredit,
        Self::NeverAnswers,
        Self::EndsEarly,
    ];

    /// What of `bytes` comes in. `due` is the number that each peer's next message has.
    pub(super) fn incoming(self, bytes: Bytes, due: &[u64]) -> Bytes {
        self.change(bytes, |frame| {
            let data = matches!(frame.kind, Kind::Data | Kind::Fin);
            let due = due
                .get((frame.peer as usize).wrapping_sub(1))
                .copied()
                .unwrap_or(0);
            match self {
                Self::TakesRepeats if data && frame.seq < due && frame.seq > 0 => frame.seq = due,
                Self::TakesGaps if data && frame.seq > due => frame.seq = due,
                // As one that takes note of the acknowledgement alone.
                Self::IgnoresRewinds if frame.flags == Flags::REWIND && frame.ack > 1 => {
                    frame.flags = Flags::default();
                    frame.payload = Bytes::new();
                }
                Self::IgnoresCredit => frame.credit = u64::MAX,
                Self::NeverAnswers if frame.flags.contains(Flags::SYNC) => {
                    frame.flags = Flags::REWIND;
                }
                Self::MistakesProcesses if frame.payload.len() == 16 && !data => {
                    frame.payload = Bytes::from_static(&[7; 16]);
                }
                _ => {}
            }
        })
    }

    /// What of `bytes` goes out.
    pub(super) fn outgoing(self, bytes: Bytes) -> Bytes {
        self.change(bytes, |frame| {
            if self == Self::AcknowledgesEarly && frame.ack > 1 && frame.peer > 0 {
                frame.ack += 1;
            }
            if self == Self::EndsEarly && frame.kind == Kind::Data && frame.seq.is_multiple_of(40) {
                frame.kind = Kind::Fin;
            }
        })
    }

    /// What time it takes it to be.
    pub(super) fn clock(self, now: Time) -> Option<Time> {
        (self != Self::HasNoClock).then_some(now)
    }

    fn change(self, mut bytes: Bytes, mut change: impl FnMut(&mut Frame)) -> Bytes {
        if self == Self::None {
            return bytes;
        }
        let mut out = BytesMut::new();
        while let Ok(Some(mut frame)) = Frame::decode(&mut bytes, 1 << 20) {
            change(&mut frame);
            frame.encode(&mut out);
        }
        out.freeze()
    }
}

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use choreo_session::wire::Frame;

use crate::line::{End, Line};

/// The connected roles of one session.
#[derive(Default)]
pub(crate) struct Room {
    seats: Mutex<HashMap<String, Seat>>,
}

/// A connected role.
struct Seat {
    /// The roles that it speaks with; its frames' `peer` counts them from 1.
    peers: Vec<String>,
    line: Arc<Line>,
}

/// What became of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Routed {
    /// It waits to be sent.
    Queued,
    /// There was no room.
    Full,
    /// The role is not connected.
    Absent,
    /// The role does not speak with the sender.
    Stranger,
}

impl Room {
    /// Seats a role; the line of its older connection is given back.
    pub(crate) fn seat(&self, role: &str, peers: &[String], line: Arc<Line>) -> Option<Arc<Line>> {
        let seat = Seat {
            peers: peers.to_vec(),
            line,
        };
        let older = self.seats().insert(role.to_owned(), seat);
        older.map(|seat| seat.line)
    }

    /// Empties a role's seat, if it is still this line's; true if nobody is left.
    pub(crate) fn leave(&self, role: &str, line: &Arc<Line>) -> bool {
        let mut seats = self.seats();
        if seats
            .get(role)
            .is_some_and(|seat| Arc::ptr_eq(&seat.line, line))
        {
            seats.remove(role);
        }
        seats.is_empty()
    }

    /// Passes a frame on under the number that the sender has for the other role.
    pub(crate) fn route(&self, from: &str, to: &str, mut frame: Frame) -> Routed {
        let seats = self.seats();
        let Some(seat) = seats.get(to) else {
            return Routed::Absent;
        };
        frame.peer = seat.number_of(from);
        if frame.peer == 0 {
            return Routed::Stranger;
        }
        match seat.line.push(&frame) {
            true => Routed::Queued,
            false => Routed::Full,
        }
    }

    /// Ends all connections, as one role wants it, whose own is left alone.
    pub(crate) fn end(&self, end: &End, by: Option<&str>) {
        for (role, seat) in self.seats().iter() {
            if by != Some(role.as_str()) {
                let number = by.map_or(0, |by| seat.number_of(by));
                seat.line.end(end.clone(), number);
            }
        }
    }

    /// Tells all roles.
    pub(crate) fn tell(&self, frame: &Frame) {
        for seat in self.seats().values() {
            seat.line.insist(frame);
        }
    }

    fn seats(&self) -> MutexGuard<'_, HashMap<String, Seat>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// The number of a peer; 0 if it is none.
    fn number_of(&self, role: &str) -> u32 {
        let position = self.peers.iter().position(|peer| peer == role);
        position.map_or(0, |position| position as u32 + 1)
    }
}

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use choreo_session::wire::{Frame, Hello, Kind};

use crate::line::{End, Line};

/// One session.
#[derive(Default)]
pub(crate) struct Room {
    seats: Mutex<Seats>,
}

#[derive(Default)]
struct Seats {
    /// The connected roles.
    taken: HashMap<String, Seat>,
    /// All that have played in it.
    processes: Vec<u128>,
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
    pub(crate) fn seat(&self, hello: &Hello, line: Arc<Line>) -> Option<Arc<Line>> {
        let seat = Seat {
            peers: hello.peers.clone(),
            line,
        };
        let mut seats = self.seats();
        if !seats.processes.contains(&hello.instance) {
            seats.processes.push(hello.instance);
        }
        let older = seats.taken.insert(hello.role.clone(), seat);
        older.map(|seat| seat.line)
    }

    /// Empties a role's seat, if it is still this line's.
    pub(crate) fn leave(&self, role: &str, line: &Arc<Line>) {
        let taken = &mut self.seats().taken;
        if taken
            .get(role)
            .is_some_and(|seat| Arc::ptr_eq(&seat.line, line))
        {
            taken.remove(role);
        }
    }

    /// Whether nobody is connected.
    pub(crate) fn is_empty(&self) -> bool {
        self.seats().taken.is_empty()
    }

    /// Passes a frame on under the number that the sender has for the other role.
    pub(crate) fn route(&self, from: &str, to: &str, mut frame: Frame) -> Routed {
        let seats = self.seats();
        let Some(seat) = seats.taken.get(to) else {
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

    /// Tells those who speak with a role that it has left for good.
    pub(crate) fn tell_left(&self, role: &str) {
        for seat in self.seats().taken.values() {
            let number = seat.number_of(role);
            if number > 0 {
                // Of number 0: no message, but the end of all.
                seat.line.insist(&Frame::new(Kind::Fin, number));
            }
        }
    }

    /// Ends all connections, as one role wants it, whose own is left alone; gives all processes
    /// that have played.
    pub(crate) fn end(&self, end: &End, by: Option<&str>) -> Vec<u128> {
        let seats = self.seats();
        for (role, seat) in &seats.taken {
            if by != Some(role.as_str()) {
                let number = by.map_or(0, |by| seat.number_of(by));
                seat.line.end(end.clone(), number);
            }
        }
        seats.processes.clone()
    }

    /// Whether somebody who is connected speaks with that role.
    pub(crate) fn awaits(&self, role: &str) -> bool {
        let seats = self.seats();
        seats.taken.values().any(|seat| seat.number_of(role) > 0)
    }

    /// Tells all roles.
    pub(crate) fn tell(&self, frame: &Frame) {
        for seat in self.seats().taken.values() {
            seat.line.insist(frame);
        }
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
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

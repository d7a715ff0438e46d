use std::time::Duration;

use choreo_core::{ErrorKind, RoleName};

use super::recording::{Entry, Log, Payload};
use crate::sorted::Sorted;

/// A recording as arrows between participants.
pub(super) struct Diagram<'a> {
    pub(super) participants: Vec<&'a str>,
    pub(super) rows: Vec<Row<'a>>,
    pub(super) dropped: u64,
}

pub(super) struct Row<'a> {
    pub(super) at: Duration,
    /// The participants: of an arrow, from and to.
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: Kind<'a>,
    /// The error, if there was one.
    pub(super) failure: Option<&'a str>,
}

#[derive(Clone, Copy)]
pub(super) enum Kind<'a> {
    /// What goes from one to the other.
    Arrow {
        payload: Option<&'a Payload>,
        end: End,
    },
    /// A receive that failed: nothing went anywhere.
    NotReceived,
}

/// Where an arrow ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Arrived,
    /// Not received yet, by a receiver who records.
    InFlight,
    /// Failed, and not received.
    Broken,
}

impl<'a> Diagram<'a> {
    pub(super) fn new(log: &'a Log) -> Self {
        let mut diagram = Self {
            participants: Vec::new(),
            rows: Vec::with_capacity(log.entries.len()),
            dropped: log.dropped,
        };
        let mut places = Sorted::default();
        for role in &log.roles {
            diagram.place(&mut places, role);
        }
        let recording = diagram.participants.len();
        let mut lanes = Sorted::<(usize, usize), Lane<'a>>::default();
        for entry in &log.entries {
            let role = diagram.place(&mut places, &entry.role);
            let peer = diagram.place(&mut places, &entry.peer);
            if entry.is_send() {
                let lane = lanes.entry(&(role, peer), || ((role, peer), Lane::default()));
                diagram.send(lane, entry, (role, peer), peer < recording);
            } else {
                let lane = lanes.entry(&(peer, role), || ((peer, role), Lane::default()));
                diagram.receive(lane, entry, (peer, role), peer < recording);
            }
        }
        diagram
    }

    /// The place of a role among the participants; its own, if it is new.
    fn place(&mut self, places: &mut Sorted<&'a str, usize>, role: &'a RoleName) -> usize {
        let next = self.participants.len();
        let place = *places.entry(role.as_str(), || (role.as_str(), next));
        if place == next {
            self.participants.push(role.as_str());
        }
        place
    }

    fn send(
        &mut self,
        lane: &mut Lane<'a>,
        entry: &'a Entry,
        way: (usize, usize),
        peer_records: bool,
    ) {
        // A receive may be recorded before the send that it belongs to.
        if let Some(receive) = lane.early.get(lane.early_joined).copied()
            && !entry.is_unsent()
            && (entry.failure.is_none() || self.rows[receive].carries(entry))
        {
            lane.early_joined += 1;
            self.rows[receive].join(entry);
            return;
        }
        if !entry.is_unsent() {
            lane.sends.push((self.rows.len(), entry));
        }
        let end = match entry.failure {
            None if peer_records => End::InFlight,
            None => End::Arrived,
            Some(_) => End::Broken,
        };
        self.rows.push(Row::arrow(entry, way, end));
    }

    fn receive(
        &mut self,
        lane: &mut Lane<'a>,
        entry: &'a Entry,
        way: (usize, usize),
        peer_records: bool,
    ) {
        if !entry.takes_payload() {
            let kind = Kind::NotReceived;
            let row = Row::arrow(entry, way, End::Broken);
            self.rows.push(Row { kind, ..row });
        } else if let Some(send) = lane.next_send(entry) {
            let row = &mut self.rows[send];
            row.failure = row.failure.or(entry.failure());
            if let Kind::Arrow { end, .. } = &mut row.kind {
                *end = End::Arrived;
            }
        } else {
            if peer_records {
                lane.early.push(self.rows.len());
            }
            self.rows.push(Row::arrow(entry, way, End::Arrived));
        }
    }
}

/// What goes from one role to another, and how much of it has both its ends.
#[derive(Default)]
struct Lane<'a> {
    sends: Vec<(usize, &'a Entry)>,
    joined: usize,
    /// Receives that came before their sends.
    early: Vec<usize>,
    early_joined: usize,
}

impl Lane<'_> {
    /// The send that a receive belongs to: the next one, but for those that failed and may or may
    /// not have been delivered, where the payload tells.
    fn next_send(&mut self, receive: &Entry) -> Option<usize> {
        while let Some((row, send)) = self.sends.get(self.joined) {
            self.joined += 1;
            if send.failure.is_none() || send.same_payload(receive) {
                return Some(*row);
            }
        }
        None
    }
}

impl<'a> Row<'a> {
    fn arrow(entry: &'a Entry, (from, to): (usize, usize), end: End) -> Self {
        Self {
            at: entry.at,
            from,
            to,
            kind: Kind::Arrow {
                payload: entry.payload.as_ref(),
                end,
            },
            failure: entry.failure(),
        }
    }

    /// Whether the payload of a received arrow is the one that was sent.
    fn carries(&self, send: &Entry) -> bool {
        matches!(&self.kind, Kind::Arrow { payload, .. } if same(*payload, send.payload.as_ref()))
    }

    /// Adds what the sender knows to an arrow that was received.
    fn join(&mut self, send: &'a Entry) {
        if let Kind::Arrow { payload, .. } = &mut self.kind {
            *payload = send.payload.as_ref();
        }
        self.failure = self.failure.or(send.failure());
    }
}

impl Entry {
    fn failure(&self) -> Option<&str> {
        self.failure.as_ref().map(|failure| failure.detail.as_str())
    }

    /// Whether a send failed and nothing can have arrived.
    fn is_unsent(&self) -> bool {
        self.failure
            .as_ref()
            .is_some_and(|failure| failure.transient)
    }

    /// Whether a receive used a payload up, be it that nobody could read it.
    fn takes_payload(&self) -> bool {
        match &self.failure {
            None => true,
            Some(failure) => failure.kind == Some(ErrorKind::Decode),
        }
    }

    fn same_payload(&self, other: &Self) -> bool {
        same(self.payload.as_ref(), other.payload.as_ref())
    }
}

/// Whether two payloads are the same, as far as is known.
fn same(one: Option<&Payload>, other: Option<&Payload>) -> bool {
    match (one, other) {
        (Some(Payload::Label(one)), Some(Payload::Label(other))) => one == other,
        (
            Some(Payload::Message { encoded: one, .. }),
            Some(Payload::Message { encoded: other, .. }),
        ) => match (one, other) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        },
        (Some(_), Some(_)) => false,
        _ => true,
    }
}

/// The text, shortened to so many characters.
pub(super) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some(_) => text.chars().take(longest - 1).chain(['…']).collect(),
    }
}

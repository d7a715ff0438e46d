use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use choreo_core::{ErrorKind, RoleName};

use super::recording::{Entry, Log, Payload};

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
        let mut places = BTreeMap::new();
        let mut place = |role: &'a RoleName| {
            *places.entry(role).or_insert_with(|| {
                diagram.participants.push(role.as_str());
                diagram.participants.len() - 1
            })
        };
        for role in &log.roles {
            place(role);
        }
        let recording = log.roles.len();
        let mut lanes = BTreeMap::<_, Lane<'a>>::new();
        for entry in &log.entries {
            let (role, peer) = (place(&entry.role), place(&entry.peer));
            if entry.is_send() {
                let lane = lanes.entry((role, peer)).or_default();
                let row = diagram.rows.len();
                let end = match entry.failure {
                    None if peer < recording => End::InFlight,
                    None => End::Arrived,
                    Some(_) => End::Broken,
                };
                diagram.rows.push(Row::arrow(entry, role, peer, end));
                // A receive may be recorded before the send that it belongs to.
                if !entry.is_unsent() {
                    match lane.receives.front() {
                        Some(&receive)
                            if entry.failure.is_none() || diagram.rows[receive].carries(entry) =>
                        {
                            lane.receives.pop_front();
                            diagram.rows[receive].join(entry);
                            diagram.rows.pop();
                        }
                        _ => lane.sends.push_back((row, entry)),
                    }
                }
                continue;
            }
            let lane = lanes.entry((peer, role)).or_default();
            if !entry.takes_payload() {
                diagram.rows.push(Row {
                    kind: Kind::NotReceived,
                    ..Row::arrow(entry, peer, role, End::Broken)
                });
                continue;
            }
            match lane.next_send(entry) {
                Some(send) => {
                    let row = &mut diagram.rows[send];
                    row.failure = row.failure.or(entry.failure());
                    if let Kind::Arrow { end, .. } = &mut row.kind {
                        *end = End::Arrived;
                    }
                }
                None => {
                    if peer < recording {
                        lane.receives.push_back(diagram.rows.len());
                    }
                    diagram
                        .rows
                        .push(Row::arrow(entry, peer, role, End::Arrived));
                }
            }
        }
        diagram
    }
}

/// What goes from one role to another and has only one end yet.
#[derive(Default)]
struct Lane<'a> {
    sends: VecDeque<(usize, &'a Entry)>,
    receives: VecDeque<usize>,
}

impl Lane<'_> {
    /// The send that a receive belongs to: the next one, but for those that failed and may or may
    /// not have been delivered, where the payload tells.
    fn next_send(&mut self, receive: &Entry) -> Option<usize> {
        while let Some((row, send)) = self.sends.pop_front() {
            if send.failure.is_none() || send.same_payload(receive) {
                return Some(row);
            }
        }
        None
    }
}

impl<'a> Row<'a> {
    fn arrow(entry: &'a Entry, from: usize, to: usize, end: End) -> Self {
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

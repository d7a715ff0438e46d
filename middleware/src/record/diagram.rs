use std::time::Duration;

use choreo_core::ErrorKind;

use super::recording::{Entry, Log, Payload};

/// A recording as arrows between participants.
pub(super) struct Diagram<'a> {
    pub(super) participants: Vec<&'a str>,
    pub(super) rows: Vec<Row<'a>>,
    pub(super) dropped: u64,
    /// The first so many participants record.
    recording: usize,
}

pub(super) struct Row<'a> {
    pub(super) at: Duration,
    /// The participants: of an arrow, from and to.
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) payload: Option<&'a Payload>,
    pub(super) end: End,
    /// The error, if there was one.
    pub(super) failure: Option<&'a str>,
    awaits: Awaits<'a>,
}

/// Where an arrow ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Arrived,
    /// Not received yet, by a receiver who records.
    InFlight,
    /// Failed, and not received.
    Broken,
    /// A receive failed: nothing went anywhere, there is no arrow.
    NotReceived,
}

/// The other half of an arrow that may follow.
#[derive(Clone, Copy)]
enum Awaits<'a> {
    Nothing,
    /// This send's receive.
    Receive(&'a Entry),
    /// The send: its receive was recorded before it.
    Send,
}

impl<'a> Diagram<'a> {
    pub(super) fn new(log: &'a Log) -> Self {
        let mut diagram = Self {
            participants: Vec::new(),
            rows: Vec::with_capacity(log.entries.len()),
            dropped: log.dropped,
            recording: log.roles.len(),
        };
        for role in &log.roles {
            diagram.place(role.as_str());
        }
        for entry in &log.entries {
            let role = diagram.place(entry.role.as_str());
            let peer = diagram.place(entry.peer.as_str());
            let row = if entry.is_send() {
                diagram.send(entry, role, peer)
            } else {
                diagram.receive(entry, peer, role)
            };
            if let Some(row) = row {
                diagram.rows.push(row);
            }
        }
        diagram
    }

    /// The place of a role among the participants; its own, if it is new.
    fn place(&mut self, name: &'a str) -> usize {
        let mut names = self.participants.iter();
        names.position(|known| *known == name).unwrap_or_else(|| {
            self.participants.push(name);
            self.participants.len() - 1
        })
    }

    /// Joins a send to the arrow of its receive, or gives an arrow of its own.
    fn send(&mut self, send: &'a Entry, from: usize, to: usize) -> Option<Row<'a>> {
        if send.is_unsent() {
            return Some(Row::new(send, from, to, End::Broken, Awaits::Nothing));
        }
        let mut rows = self.rows.iter_mut();
        let early = rows
            .find(|row| row.from == from && row.to == to && matches!(row.awaits, Awaits::Send))
            .filter(|row| send.failure.is_none() || same(row.payload, send.payload.as_ref()));
        if let Some(row) = early {
            row.payload = send.payload.as_ref();
            row.failure = row.failure.or(send.failure());
            row.awaits = Awaits::Nothing;
            return None;
        }
        let end = match send.failure {
            None if to < self.recording => End::InFlight,
            None => End::Arrived,
            Some(_) => End::Broken,
        };
        Some(Row::new(send, from, to, end, Awaits::Receive(send)))
    }

    /// Joins a receive to the arrow of its send, or gives one of its own.
    ///
    /// The send is the next one, but for those that failed and may or may not have been delivered,
    /// where the payload tells.
    fn receive(&mut self, receive: &'a Entry, from: usize, to: usize) -> Option<Row<'a>> {
        if !receive.takes_payload() {
            return Some(Row::new(
                receive,
                from,
                to,
                End::NotReceived,
                Awaits::Nothing,
            ));
        }
        for row in &mut self.rows {
            if let Awaits::Receive(send) = row.awaits
                && row.from == from
                && row.to == to
            {
                row.awaits = Awaits::Nothing;
                if send.failure.is_none() || same(row.payload, receive.payload.as_ref()) {
                    row.failure = row.failure.or(receive.failure());
                    row.end = End::Arrived;
                    return None;
                }
            }
        }
        let awaits = if from < self.recording {
            Awaits::Send
        } else {
            Awaits::Nothing
        };
        Some(Row::new(receive, from, to, End::Arrived, awaits))
    }
}

impl<'a> Row<'a> {
    fn new(entry: &'a Entry, from: usize, to: usize, end: End, awaits: Awaits<'a>) -> Self {
        Self {
            at: entry.at,
            from,
            to,
            payload: entry.payload.as_ref(),
            end,
            failure: entry.failure(),
            awaits,
        }
    }

    /// What stands on an arrow, or beside a receive that failed.
    pub(super) fn text(&self, diagram: &Diagram<'_>) -> String {
        let (name, contents) = match self.payload {
            _ if self.end == End::NotReceived => {
                let (from, failure) = (diagram.participants[self.from], self.failure);
                return format!("receive from {from}: {}", failure.unwrap_or_default());
            }
            None => ("?", None),
            Some(Payload::Label(label)) => ("choose", Some(label.as_str())),
            Some(Payload::Message {
                type_name,
                contents,
                ..
            }) => (type_name.as_str(), contents.as_deref()),
        };
        let mut text = name.to_owned();
        if let Some(contents) = contents {
            text.push(' ');
            text.push_str(contents);
        }
        text
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

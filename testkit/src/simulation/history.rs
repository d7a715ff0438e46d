use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::time::Duration;

use super::Counts;

/// What has happened on a network: the last rows of it, how often what, and a digest of all.
pub(super) struct History {
    pub(super) rows: VecDeque<Row>,
    /// How many rows were before those that are kept.
    pub(super) dropped: u64,
    pub(super) counts: Counts,
    digest: Digest,
}

pub(super) enum Row {
    Message {
        /// The seats.
        from: usize,
        to: usize,
        text: String,
        sent: Duration,
        fate: Fate,
        /// The network made it from another.
        repeat: bool,
    },
    Note {
        /// The seats; all, if none is named.
        over: Vec<usize>,
        at: Duration,
        text: String,
    },
}

#[derive(Clone, Copy)]
pub(super) enum Fate {
    UnderWay,
    Received(Duration),
    Lost(&'static str),
}

/// FNV-1a.
struct Digest(u64);

/// How many rows are kept: a longer picture is not looked at.
const KEPT: usize = 200;

impl History {
    pub(super) fn new() -> Self {
        Self {
            rows: VecDeque::new(),
            dropped: 0,
            counts: Counts::default(),
            digest: Digest(0xcbf2_9ce4_8422_2325),
        }
    }

    /// A message went out; gives the number of its row.
    pub(super) fn sent(
        &mut self,
        at: Duration,
        (from, to): (usize, usize),
        text: &str,
        repeat: bool,
    ) -> u64 {
        match repeat {
            true => self.counts.repeated += 1,
            false => self.counts.sent += 1,
        }
        self.digest
            .add(format_args!("{at:?} {from}>{to} {text} {repeat}"));
        self.push(Row::Message {
            from,
            to,
            text: text.to_owned(),
            sent: at,
            fate: Fate::UnderWay,
            repeat,
        })
    }

    pub(super) fn received(&mut self, row: u64, at: Duration) {
        self.counts.received += 1;
        self.digest.add(format_args!("{at:?} received {row}"));
        self.befall(row, Fate::Received(at));
    }

    pub(super) fn lost(&mut self, row: u64, at: Duration, why: &'static str) {
        self.counts.lost += 1;
        self.digest.add(format_args!("{at:?} lost {row} {why}"));
        self.befall(row, Fate::Lost(why));
    }

    pub(super) fn note(&mut self, over: Vec<usize>, at: Duration, text: impl fmt::Display) {
        let text = text.to_string();
        self.digest.add(format_args!("{at:?} {over:?} {text}"));
        self.push(Row::Note { over, at, text });
    }

    pub(super) fn digest(&self) -> u64 {
        self.digest.0
    }

    fn push(&mut self, row: Row) -> u64 {
        let number = self.dropped + self.rows.len() as u64;
        self.rows.push_back(row);
        if self.rows.len() > KEPT {
            self.rows.pop_front();
            self.dropped += 1;
        }
        number
    }

    fn befall(&mut self, row: u64, what: Fate) {
        let place = row.checked_sub(self.dropped);
        let place = place.and_then(|place| usize::try_from(place).ok());
        let kept = place.and_then(|place| self.rows.get_mut(place));
        if let Some(Row::Message { fate, .. }) = kept {
            *fate = what;
        }
    }
}

impl Digest {
    fn add(&mut self, event: fmt::Arguments<'_>) {
        // Never fails.
        let _ = self.write_fmt(format_args!("{event}\n"));
    }
}

impl Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        Ok(())
    }
}

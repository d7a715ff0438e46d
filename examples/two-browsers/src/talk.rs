use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use choreo::middleware::Recording;

use crate::Tally;

/// One role's side of the conversation, shared by who plays it and who watches.
pub struct Talk {
    /// The last operations, as a sequence diagram.
    pub recording: Recording,
    state: Mutex<State>,
}

struct State {
    text: String,
    pace: Duration,
    said: u64,
    tally: Tally,
    last_heard: String,
}

impl Talk {
    /// How many operations the diagram shows at most; then it begins anew.
    pub const SHOWN: usize = 20;

    /// Nothing said yet: what Alice says, and how long she waits before each round but the first.
    #[must_use]
    pub fn new(text: String, pace: Duration) -> Self {
        Self {
            recording: Recording::new(),
            state: Mutex::new(State {
                text,
                pace,
                said: 0,
                tally: Tally::default(),
                last_heard: String::new(),
            }),
        }
    }

    /// Changes what Alice says, from the next round on.
    pub fn set_text(&self, text: String) {
        self.state().text = text;
    }

    /// Changes how long Alice waits, from the next round on.
    pub fn set_pace(&self, pace: Duration) {
        self.state().pace = pace;
    }

    /// How many messages were sent.
    #[must_use]
    pub fn said(&self) -> u64 {
        self.state().said
    }

    /// What the numbers of the messages tell that were received.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.state().tally
    }

    /// What was received last.
    #[must_use]
    pub fn last_heard(&self) -> String {
        self.state().last_heard.clone()
    }

    pub(crate) fn text(&self) -> String {
        self.state().text.clone()
    }

    pub(crate) fn pace(&self) -> Duration {
        self.state().pace
    }

    /// Turns the page of the diagram when it is full.
    pub(crate) fn begin_round(&self) {
        if self.recording.len() >= Self::SHOWN {
            self.recording.clear();
        }
    }

    /// The number of the next message.
    pub(crate) fn say(&self) -> u64 {
        let mut state = self.state();
        state.said += 1;
        state.said
    }

    /// Takes note of a message.
    pub(crate) fn hear(&self, number: u64, text: String) {
        let mut state = self.state();
        state.tally.count(number);
        state.last_heard = text;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

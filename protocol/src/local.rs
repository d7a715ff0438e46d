use serde::{Deserialize, Serialize};

use crate::Message;

/// The part of one role in a protocol: what it does, and what it waits for, step by step.
///
/// It is a graph: loops lead back. Where it goes on in the same way after different choices of
/// others, there is one state for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Local {
    /// Whose part.
    pub role: String,
    /// The states; the first one is where it begins.
    pub states: Vec<State>,
}

/// The number of a state of a [`Local`].
pub type StateId = usize;

/// What a role does next.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It sends.
    Send {
        /// To whom.
        to: String,
        /// What.
        message: Message,
        /// Then.
        next: StateId,
    },
    /// It receives.
    Recv {
        /// From whom.
        from: String,
        /// What.
        message: Message,
        /// Then.
        next: StateId,
    },
    /// It decides, and tells others.
    Choose {
        /// Who is told.
        to: Vec<String>,
        /// The labels, and what it does then.
        branches: Vec<(String, StateId)>,
    },
    /// It is told how it goes on.
    Offer {
        /// By whom.
        from: String,
        /// The labels, and what it does then.
        branches: Vec<(String, StateId)>,
    },
    /// It does several things at once; each is over where it ends.
    Parallel {
        /// Where each begins.
        branches: Vec<StateId>,
        /// When all are over.
        next: StateId,
    },
    /// It is over.
    End,
}

impl Local {
    /// A state.
    ///
    /// # Panics
    /// If there is none of that number.
    #[must_use]
    pub fn state(&self, id: StateId) -> &State {
        &self.states[id]
    }

    /// Where it begins.
    pub const START: StateId = 0;
}

impl State {
    /// Where it may go on.
    #[must_use]
    pub fn next(&self) -> Vec<StateId> {
        match self {
            Self::Send { next, .. } | Self::Recv { next, .. } => vec![*next],
            Self::Choose { branches, .. } | Self::Offer { branches, .. } => {
                branches.iter().map(|(_, next)| *next).collect()
            }
            Self::Parallel { branches, next } => branches.iter().chain([next]).copied().collect(),
            Self::End => Vec::new(),
        }
    }
}

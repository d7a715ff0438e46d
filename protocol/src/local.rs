#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

use crate::Message;

/// The part of one role in a protocol: what it does, and what it waits for, step by step.
///
/// It is a graph: loops lead back. Where it goes on in the same way after different choices of
/// others, there is one state for them.
///
/// # From outside
/// With the feature `serde` it is read and written in any format; what is read is
/// [checked](Self::check).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(Serialize, Deserialize),
    serde(try_from = "Unchecked")
)]
pub struct Local {
    /// Whose part.
    pub role: String,
    /// The states; the first one is where it begins.
    pub states: Vec<State>,
}

/// The number of a state of a [`Local`].
pub type StateId = usize;

/// What a role does next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
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

impl State {
    /// By one of its ways, in the order of [`next`](Self::next), it goes on there.
    pub(crate) fn go_on(&mut self, way: usize, at: StateId) {
        match self {
            Self::Send { next, .. } | Self::Recv { next, .. } => *next = at,
            Self::Choose { branches, .. } | Self::Offer { branches, .. } => branches[way].1 = at,
            Self::Parallel { branches, next } => *branches.get_mut(way).unwrap_or(next) = at,
            Self::End => {}
        }
    }
}

/// A part as it comes from outside.
#[cfg(feature = "serde")]
#[derive(Deserialize)]
struct Unchecked {
    role: String,
    states: Vec<State>,
}

#[cfg(feature = "serde")]
impl TryFrom<Unchecked> for Local {
    type Error = crate::Fault;

    fn try_from(Unchecked { role, states }: Unchecked) -> Result<Self, crate::Fault> {
        let local = Self { role, states };
        local.check()?;
        Ok(local)
    }
}

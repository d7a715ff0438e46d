//! A protocol as a graph, in which every step leads to the next.

use std::collections::HashSet;

use crate::{Message, Place};

/// The number of a node.
pub(crate) type NodeId = usize;
/// The number of a role.
pub(crate) type RoleId = usize;

/// A protocol whose calls are put in, and whose names are resolved.
#[derive(Debug)]
pub(crate) struct Automaton {
    pub(crate) roles: Vec<String>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) start: NodeId,
}

/// A point of the protocol, and what happens there.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) event: Event,
    pub(crate) place: Place,
}

#[derive(Debug)]
pub(crate) enum Event {
    Message {
        from: RoleId,
        to: RoleId,
        message: Message,
        next: NodeId,
    },
    Choice {
        at: RoleId,
        to: Vec<RoleId>,
        branches: Vec<(String, NodeId)>,
    },
    /// Each branch ends with a [`Event::Joined`].
    Fork {
        branches: Vec<NodeId>,
        /// Who takes part in each branch.
        parts: Vec<HashSet<RoleId>>,
        next: NodeId,
    },
    /// The end of a branch of this fork.
    Joined(NodeId),
    /// Nothing: it goes on there.
    Goto(NodeId),
    End,
}

impl Event {
    /// Where it goes on, within the same branch of a fork.
    pub(crate) fn next(&self) -> Vec<NodeId> {
        match self {
            Self::Message { next, .. } | Self::Fork { next, .. } | Self::Goto(next) => vec![*next],
            Self::Choice { branches, .. } => branches.iter().map(|(_, next)| *next).collect(),
            Self::Joined(_) | Self::End => Vec::new(),
        }
    }
}

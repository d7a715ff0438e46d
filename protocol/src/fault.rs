use std::error::Error;
use std::fmt;

use crate::Place;

/// What is wrong with a protocol, where, and what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it is about.
    pub kind: FaultKind,
    /// The step.
    pub place: Place,
    /// Another step that it does not go together with.
    pub other: Option<Place>,
    /// What is wrong and what to change, in words.
    pub text: String,
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// A role is not declared.
    UnknownRole,
    /// A role is declared twice.
    RoleTwice,
    /// A role takes part in no step.
    UnusedRole,
    /// A role sends to itself, or a choice tells its own role.
    Itself,
    /// A family decides, or its members speak to each other.
    Family,
    /// A choice has no branch, or tells nobody.
    EmptyChoice,
    /// Two branches of a choice have one label.
    LabelTwice,
    /// A loop is left or begun again that is not around the step.
    UnknownLoop,
    /// A loop begins again without anything having happened.
    Unguarded,
    /// A step never happens.
    Unreachable,
    /// Two branches of a parallel step use the same channel.
    SharedChannel,
    /// A call names more or fewer roles than the protocol has, or one of them twice.
    Arity,
    /// A protocol calls itself.
    Recursive,
    /// A role has to go on in different ways after a choice, of which it is not told.
    Untold,
    /// A role has to know whether it is over, and is not told.
    EndUntold,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Fault {}

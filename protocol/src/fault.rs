use std::error::Error;
use std::fmt;

use crate::Place;

/// What is wrong with a protocol or a part, where, and what to change.
///
/// It reads as its text, and the step: `.. (step 2.1.3)` is the third step of the first branch of the
/// second, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it is about.
    pub kind: FaultKind,
    /// The step; empty where it is about all of them, or about a part.
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
    /// It takes too many states to tell what a role knows.
    TooLarge,
    /// A part goes on at a state that it has not.
    UnknownState,
    /// Several things that are done at once have a state in common.
    SharedState,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        let [place, other] = [Some(&self.place), self.other.as_ref()].map(|place| {
            place
                .filter(|place| !place.is_empty())
                .map(|place| in_words(place))
        });
        match (place, other) {
            (Some(place), Some(other)) => write!(f, " (steps {place} and {other})"),
            (Some(place), None) => write!(f, " (step {place})"),
            (None, _) => Ok(()),
        }
    }
}

impl Error for Fault {}

fn in_words(place: &[usize]) -> String {
    let numbers: Vec<_> = place
        .iter()
        .map(|number| (number + 1).to_string())
        .collect();
    numbers.join(".")
}

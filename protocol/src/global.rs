#[cfg(feature = "serde")]
use serde::{Deserialize, Serialize};

use crate::compile::{compile, unknown};
use crate::project::project;
use crate::{Fault, Local};

/// A protocol between roles: who sends what to whom, and in which order.
///
/// ```
/// use choreo_protocol::{Global, Step};
///
/// let protocol = Global::new("PingPong")
///     .role("Alice")
///     .role("Bob")
///     .then(Step::message("Alice", "Bob", "Ping"))
///     .then(Step::message("Bob", "Alice", "Pong"));
/// protocol.check()?;
/// assert_eq!(protocol.project("Bob")?.to_string(), "Bob {\n    Alice -> Bob: Ping;\n    Bob -> Alice: Pong;\n}");
/// # Ok::<(), choreo_protocol::Fault>(())
/// ```
///
/// # From outside
/// With the feature `serde` it is read and written in any format. What is read nests 32 deep at most,
/// and is checked as all others are: when it is asked for parts.
///
/// # Source
/// Global types: K. Honda, N. Yoshida, M. Carbone, *Multiparty Asynchronous Session Types*, POPL
/// 2008.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub struct Global {
    /// Its name.
    pub name: String,
    /// What it is about.
    #[cfg_attr(feature = "serde", serde(default))]
    pub doc: String,
    /// Who takes part.
    pub roles: Vec<RoleDecl>,
    /// What happens.
    pub steps: Vec<Step>,
}

/// A role of a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub struct RoleDecl {
    /// Its name.
    pub name: String,
    /// What it is about.
    #[cfg_attr(feature = "serde", serde(default))]
    pub doc: String,
    /// For a family of roles, which all do the same: the name of the number of its members.
    #[cfg_attr(feature = "serde", serde(default))]
    pub count: Option<String>,
}

/// What is sent: a name, and the types of what it carries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub struct Message {
    /// Its name.
    pub name: String,
    /// The types that it carries, as they are written.
    #[cfg_attr(feature = "serde", serde(default))]
    pub carries: Vec<String>,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Step {
    /// A role sends a message to another.
    Message {
        /// Who sends.
        from: String,
        /// Who receives.
        to: String,
        /// What.
        message: Message,
    },
    /// A role decides how it goes on, and tells others by a label.
    Choice {
        /// Who decides.
        at: String,
        /// Who is told.
        to: Vec<String>,
        /// The ways on.
        branches: Vec<Branch>,
    },
    /// Again and again, until it is left.
    Loop {
        /// By which it is left or begun again.
        name: String,
        /// What happens each time. At its end it begins again.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::depth::deeper"))]
        steps: Vec<Step>,
    },
    /// Leaves a loop.
    Break(String),
    /// Begins a loop again.
    Continue(String),
    /// Several things at once, over channels of their own. It goes on when all are done.
    Parallel(
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::depth::deeper"))]
        Vec<Vec<Step>>,
    ),
    /// Another protocol, whose roles these play.
    Call {
        /// Which.
        #[cfg_attr(feature = "serde", serde(deserialize_with = "crate::depth::deeper"))]
        protocol: Box<Global>,
        /// Who plays its roles, in the order in which it declares them.
        roles: Vec<String>,
    },
}

/// One way on, after a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(Serialize, Deserialize))]
pub struct Branch {
    /// What the others are told.
    pub label: String,
    /// What happens then; after it goes on behind the choice.
    #[cfg_attr(
        feature = "serde",
        serde(default, deserialize_with = "crate::depth::deeper")
    )]
    pub steps: Vec<Step>,
}

/// Where a step is: the number of the step, and within it of the branch (if it has branches) and of the
/// step in that, and so on. A step of a protocol that is called is where the call is.
pub type Place = Vec<usize>;

impl Global {
    /// A protocol in which nothing happens.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            doc: String::new(),
            roles: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// With one more role.
    #[must_use]
    pub fn role(mut self, name: impl Into<String>) -> Self {
        self.roles.push(RoleDecl {
            name: name.into(),
            doc: String::new(),
            count: None,
        });
        self
    }

    /// With one more family of roles, whose number is known only when they meet.
    ///
    /// All its members play the same part. What another role sends to it goes to each of them, in
    /// turn, and what it sends comes from each; a choice of which it is told is told to each. It
    /// decides nothing, and its members say nothing to each other.
    #[must_use]
    pub fn family(self, name: impl Into<String>, count: impl Into<String>) -> Self {
        let mut global = self.role(name);
        if let Some(family) = global.roles.last_mut() {
            family.count = Some(count.into());
        }
        global
    }

    /// With one more step.
    #[must_use]
    pub fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Whether every role can play its part, knowing only what it is told.
    ///
    /// # Errors
    /// The first thing that is wrong, where, and what to change.
    pub fn check(&self) -> Result<(), Fault> {
        self.locals().map(drop)
    }

    /// The parts of all roles, in the order in which they are declared.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn locals(&self) -> Result<Vec<Local>, Fault> {
        let automaton = compile(self)?;
        let roles = 0..self.roles.len();
        roles.map(|role| project(&automaton, role)).collect()
    }

    /// The part of one role.
    ///
    /// # Errors
    /// What is wrong with the protocol, or with this role's part.
    pub fn project(&self, role: &str) -> Result<Local, Fault> {
        let automaton = compile(self)?;
        let number = automaton.roles.iter().position(|name| name == role);
        match number {
            Some(number) => project(&automaton, number),
            None => Err(unknown(role, &automaton.roles)),
        }
    }
}

impl Message {
    /// A message that carries nothing.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            carries: Vec::new(),
        }
    }

    /// It carries a value of this type as well.
    #[must_use]
    pub fn carrying(mut self, kind: impl Into<String>) -> Self {
        self.carries.push(kind.into());
        self
    }
}

impl Step {
    /// A message that carries nothing but its name.
    #[must_use]
    pub fn message(
        from: impl Into<String>,
        to: impl Into<String>,
        message: impl Into<Message>,
    ) -> Self {
        Self::Message {
            from: from.into(),
            to: to.into(),
            message: message.into(),
        }
    }

    /// A choice of one role, of which others are told.
    #[must_use]
    pub fn choice<T: Into<String>>(
        at: impl Into<String>,
        to: impl IntoIterator<Item = T>,
        branches: impl IntoIterator<Item = Branch>,
    ) -> Self {
        Self::Choice {
            at: at.into(),
            to: to.into_iter().map(Into::into).collect(),
            branches: branches.into_iter().collect(),
        }
    }

    /// A loop.
    #[must_use]
    pub fn again(name: impl Into<String>, steps: impl IntoIterator<Item = Self>) -> Self {
        Self::Loop {
            name: name.into(),
            steps: steps.into_iter().collect(),
        }
    }
}

impl From<&str> for Message {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl Branch {
    /// One way on.
    #[must_use]
    pub fn new(label: impl Into<String>, steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            label: label.into(),
            steps: steps.into_iter().collect(),
        }
    }
}

/// The protocols that steps call, in order.
pub(crate) fn called<'a>(steps: &'a [Step], found: &mut Vec<&'a Global>) {
    for step in steps {
        match step {
            Step::Call { protocol, .. } => found.push(protocol),
            Step::Choice { branches, .. } => {
                branches
                    .iter()
                    .for_each(|branch| called(&branch.steps, found));
            }
            Step::Loop { steps, .. } => called(steps, found),
            Step::Parallel(branches) => branches.iter().for_each(|steps| called(steps, found)),
            Step::Message { .. } | Step::Break(_) | Step::Continue(_) => {}
        }
    }
}

use std::fmt;
use std::sync::Arc;

use crate::{Local, Message, State, StateId};

/// Where a role stands in its part: what it may do next, and what it has done wrong.
///
/// ```
/// use choreo_protocol::{Global, Position, Step};
///
/// let ping_pong = Global::new("PingPong")
///     .role("Alice")
///     .role("Bob")
///     .then(Step::message("Alice", "Bob", "Ping"))
///     .then(Step::message("Bob", "Alice", "Pong"));
///
/// let mut alice = Position::new(ping_pong.project("Alice")?);
/// alice.send("Bob", |message| message.name == "Ping").expect("that is due");
/// let wrong = alice.send("Bob", |message| message.name == "Ping").unwrap_err();
/// assert_eq!(wrong.to_string(), "due: to receive Pong from `Bob`");
/// # Ok::<(), choreo_protocol::Fault>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    local: Arc<Local>,
    at: At,
}

/// What was due instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due(Vec<String>);

/// Where a role, or a branch of what it does at once, is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum At {
    State(StateId),
    /// It has decided, and tells one after the other.
    Telling {
        label: String,
        left: Vec<String>,
        next: StateId,
    },
    Parallel(Vec<At>, StateId),
}

/// What a role does.
enum Act<'a> {
    Send(&'a str, &'a dyn Fn(&Message) -> bool),
    Choose(&'a str, &'a str),
    Recv(&'a str, &'a dyn Fn(&Message) -> bool),
    Offer(&'a str, &'a str),
}

impl Position {
    /// At the beginning of a part.
    ///
    /// # Panics
    /// It, and all else here, may panic if the part is [not sound](Local::check).
    #[must_use]
    pub fn new(local: impl Into<Arc<Local>>) -> Self {
        let local = local.into();
        let at = At::State(Local::START).entered(&local);
        Self { local, at }
    }

    /// Whose part.
    #[must_use]
    pub fn local(&self) -> &Local {
        &self.local
    }

    /// The role sends a message: one that is due to that role, and is it.
    ///
    /// # Errors
    /// What is due instead; it stays where it is.
    pub fn send(&mut self, to: &str, is: impl Fn(&Message) -> bool) -> Result<(), Due> {
        self.act(&Act::Send(to, &is))
    }

    /// The role tells another what it has decided.
    ///
    /// # Errors
    /// What is due instead; it stays where it is.
    pub fn choose(&mut self, to: &str, label: &str) -> Result<(), Due> {
        self.act(&Act::Choose(to, label))
    }

    /// Whether something is due from that role.
    ///
    /// # Errors
    /// What is due instead.
    pub fn may_receive(&self, from: &str) -> Result<(), Due> {
        match self.at.waits_for(&self.local, from) {
            true => Ok(()),
            false => Err(self.due()),
        }
    }

    /// A message has come.
    ///
    /// # Errors
    /// What is due instead; it stays where it is.
    pub fn recv(&mut self, from: &str, is: impl Fn(&Message) -> bool) -> Result<(), Due> {
        self.act(&Act::Recv(from, &is))
    }

    /// Another role tells what it has decided.
    ///
    /// # Errors
    /// What is due instead; it stays where it is.
    pub fn offer(&mut self, from: &str, label: &str) -> Result<(), Due> {
        self.act(&Act::Offer(from, label))
    }

    /// Whether the role has played its part.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.at.is_over(&self.local)
    }

    /// What may happen next.
    #[must_use]
    pub fn due(&self) -> Due {
        let mut due = Vec::new();
        self.at.due(&self.local, &mut due);
        Due(due)
    }

    /// Takes back what led from one position to the other. What was done at once with it stays done;
    /// nothing changes if the role has gone on behind it.
    ///
    /// ```
    /// use choreo_protocol::{Global, Position, Step};
    ///
    /// let global = Global::new("Two").role("A").role("B").then(Step::Parallel(vec![
    ///     vec![Step::message("A", "B", "One")],
    ///     vec![Step::message("B", "A", "Two")],
    /// ]));
    /// let mut position = Position::new(global.project("A")?);
    /// let before = position.clone();
    /// position.send("B", |message| message.name == "One").expect("that is due");
    /// let after = position.clone();
    /// position.recv("B", |message| message.name == "Two").expect("that is due");
    ///
    /// position.take_back(&before, &after);
    /// assert!(!position.is_over());
    /// # Ok::<(), choreo_protocol::Fault>(())
    /// ```
    pub fn take_back(&mut self, before: &Self, after: &Self) {
        self.at.take_back(&before.at, &after.at);
    }

    fn act(&mut self, act: &Act<'_>) -> Result<(), Due> {
        match self.at.after(&self.local, act) {
            Some(at) => {
                self.at = at;
                Ok(())
            }
            None => Err(self.due()),
        }
    }
}

impl At {
    /// Where it is after an act, if the act is due.
    fn after(&self, local: &Local, act: &Act<'_>) -> Option<Self> {
        if let Some(at) = self.behind(local) {
            return at.after(local, act);
        }
        match self {
            Self::Parallel(branches, next) => {
                let mut after = branches.iter().enumerate();
                let (number, moved) =
                    after.find_map(|(number, branch)| Some((number, branch.after(local, act)?)))?;
                let mut branches = branches.clone();
                branches[number] = moved;
                Some(Self::Parallel(branches, *next))
            }
            Self::Telling { label, left, next } => match act {
                Act::Choose(to, told) if told == label => {
                    let place = left.iter().position(|role| role == to)?;
                    let mut left = left.clone();
                    left.remove(place);
                    Some(Self::telling(label, left, *next).entered(local))
                }
                _ => None,
            },
            Self::State(state) => match (local.state(*state), act) {
                (State::Send { to, message, next }, Act::Send(role, is))
                    if to == role && is(message) =>
                {
                    Some(Self::State(*next).entered(local))
                }
                (
                    State::Recv {
                        from,
                        message,
                        next,
                    },
                    Act::Recv(role, is),
                ) if from == role && is(message) => Some(Self::State(*next).entered(local)),
                (State::Choose { to, branches }, Act::Choose(role, label)) => {
                    let (label, next) = branches.iter().find(|(known, _)| known == label)?;
                    let place = to.iter().position(|told| told == role)?;
                    let mut left = to.clone();
                    left.remove(place);
                    Some(Self::telling(label, left, *next).entered(local))
                }
                (State::Offer { from, branches }, Act::Offer(role, label)) if from == role => {
                    let (_, next) = branches.iter().find(|(known, _)| known == label)?;
                    Some(Self::State(*next).entered(local))
                }
                _ => None,
            },
        }
    }

    fn take_back(&mut self, before: &Self, after: &Self) {
        match (&mut *self, before, after) {
            (now, before, after) if now == after => now.clone_from(before),
            (Self::Parallel(now, at), Self::Parallel(before, from), Self::Parallel(after, to))
                if [from, to] == [&*at; 2] =>
            {
                for (now, (before, after)) in now.iter_mut().zip(before.iter().zip(after)) {
                    if before != after {
                        now.take_back(before, after);
                    }
                }
            }
            _ => {}
        }
    }

    fn telling(label: &str, left: Vec<String>, next: StateId) -> Self {
        match left.is_empty() {
            true => Self::State(next),
            false => Self::Telling {
                label: label.to_owned(),
                left,
                next,
            },
        }
    }

    /// Begins what is done at once.
    fn entered(self, local: &Local) -> Self {
        match self {
            Self::State(state) => match local.state(state) {
                State::Parallel { branches, next } => {
                    let branches = branches.iter();
                    let branches = branches.map(|branch| Self::State(*branch).entered(local));
                    Self::Parallel(branches.collect(), *next)
                }
                _ => Self::State(state),
            },
            at => at,
        }
    }

    /// Where it goes on, if all that was done at once is over. It does so with the next act only: what
    /// was done last may be taken back.
    fn behind(&self, local: &Local) -> Option<Self> {
        match self {
            Self::Parallel(branches, next) => {
                let over = branches.iter().all(|branch| branch.is_over(local));
                over.then(|| Self::State(*next).entered(local))
            }
            _ => None,
        }
    }

    fn is_over(&self, local: &Local) -> bool {
        match self {
            Self::State(state) => *local.state(*state) == State::End,
            _ => self.behind(local).is_some_and(|at| at.is_over(local)),
        }
    }

    fn waits_for(&self, local: &Local, role: &str) -> bool {
        if let Some(at) = self.behind(local) {
            return at.waits_for(local, role);
        }
        match self {
            Self::Parallel(branches, _) => {
                branches.iter().any(|branch| branch.waits_for(local, role))
            }
            Self::State(state) => match local.state(*state) {
                State::Recv { from, .. } | State::Offer { from, .. } => from == role,
                _ => false,
            },
            Self::Telling { .. } => false,
        }
    }

    fn due(&self, local: &Local, due: &mut Vec<String>) {
        if let Some(at) = self.behind(local) {
            return at.due(local, due);
        }
        let labels = |branches: &[(String, StateId)]| {
            let labels: Vec<_> = branches.iter().map(|(label, _)| &**label).collect();
            labels.join(" or ")
        };
        match self {
            Self::Parallel(branches, _) => {
                let open = branches.iter().filter(|branch| !branch.is_over(local));
                open.for_each(|branch| branch.due(local, due));
            }
            Self::Telling { label, left, .. } => {
                due.push(format!("to tell `{}` of {label}", left.join("` and `")));
            }
            Self::State(state) => due.push(match local.state(*state) {
                State::Send { to, message, .. } => format!("to send {message} to `{to}`"),
                State::Recv { from, message, .. } => {
                    format!("to receive {message} from `{from}`")
                }
                State::Choose { to, branches } => {
                    let to = to.join("` and `");
                    format!("to tell `{to}` of {}", labels(branches))
                }
                State::Offer { from, branches } => {
                    format!("to hear of {} from `{from}`", labels(branches))
                }
                State::Parallel { .. } => "to do several things at once".to_owned(),
                State::End => "nothing, the part is over".to_owned(),
            }),
        }
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "due: {}", self.0.join(", or "))
    }
}

impl std::error::Error for Due {}

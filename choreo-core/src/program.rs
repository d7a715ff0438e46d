use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::nested::{RunNested, run_nested};
use crate::runtime::Millis;
use crate::{Error, Label, Operation, Recipients, RoleId};

/// What one role does in a protocol, as data: made step by step, run by
/// [`interpret`](crate::interpret) over any handler.
///
/// `M` is the type of the messages, usually an enum of all of them.
///
/// ```
/// use choreo_core::Program;
/// # #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
/// # enum Role { Alice, Bob }
///
/// // Greets Bob until he has had enough.
/// let alice = Program::new()
///     .loop_inf(
///         Program::new()
///             .send(Role::Bob, "hello".to_string())
///             .recv::<String>(Role::Bob)
///             .branch(Role::Bob, [
///                 ("again", Program::new()),
///                 ("enough", Program::new().exit_loop()),
///             ]),
///     )
///     .end();
/// assert_eq!(alice.len(), 2);
/// ```
#[must_use = "a program does nothing until it is interpreted"]
#[derive(Clone)]
pub struct Program<R, M> {
    pub(crate) effects: Vec<Effect<R, M>>,
    /// How the steps run that hold programs to run at the same time or within a limit, or call an
    /// extension, if there are any.
    pub(crate) run_nested: Option<RunNested<R, M>>,
}

/// One step of a [`Program`].
#[derive(Clone)]
#[non_exhaustive]
pub enum Effect<R, M> {
    /// Sends a message.
    Send {
        /// To whom.
        to: R,
        /// What.
        message: M,
    },
    /// Sends one message to many roles.
    Broadcast {
        /// To whom, in this order.
        to: Vec<R>,
        /// What.
        message: M,
    },
    /// Receives a message.
    Recv {
        /// From whom.
        from: R,
    },
    /// Tells a role what this one has chosen.
    Choose {
        /// Whom to tell.
        to: R,
        /// The choice.
        label: Label,
    },
    /// Learns what a role has chosen, and keeps the label.
    Offer {
        /// Who chooses.
        from: R,
    },
    /// Learns what a role has chosen, and goes on accordingly.
    Branch {
        /// Who chooses.
        from: R,
        /// The alternatives.
        branches: Vec<(Label, Program<R, M>)>,
    },
    /// Repeats a program.
    Loop {
        /// How often; `None` until [`ExitLoop`](Self::ExitLoop).
        times: Option<usize>,
        /// What.
        body: Program<R, M>,
    },
    /// Leaves the innermost loop.
    ExitLoop,
    /// Runs programs at the same time, and goes on when all are done.
    Parallel {
        /// Which.
        programs: Vec<Program<R, M>>,
    },
    /// Runs a program within a time limit.
    Timeout {
        /// The limit.
        limit: Duration,
        /// What has to be done by then.
        body: Program<R, M>,
        /// What to do otherwise; `None` makes it an error.
        fallback: Option<Program<R, M>>,
    },
    /// Runs what is registered under a name in [`Extensions`](crate::Extensions).
    Extension {
        /// The name.
        name: String,
        /// What it is given.
        argument: Arc<dyn Any + Send + Sync>,
    },
    /// The end.
    End,
}

impl<R: RoleId, M> Program<R, M> {
    /// A program of no steps.
    pub const fn new() -> Self {
        Self {
            effects: Vec::new(),
            run_nested: None,
        }
    }

    /// Sends a message to a role.
    pub fn send(self, to: R, message: M) -> Self {
        self.step(Effect::Send { to, message })
    }

    /// Sends one message to many roles.
    pub fn broadcast(self, to: impl IntoIterator<Item = R>, message: M) -> Self {
        self.step(Effect::Broadcast {
            to: to.into_iter().collect(),
            message,
        })
    }

    /// Receives a message from a role; it ends up in
    /// [`received_values`](crate::InterpretResult::received_values).
    ///
    /// `T` is the program's message type again: `recv::<Message>(Role::Bob)` says at the call
    /// what is received.
    pub fn recv<T: SameAs<M>>(self, from: R) -> Self {
        self.step(Effect::Recv { from })
    }

    /// Tells a role what this one has chosen.
    pub fn choose(self, to: R, label: impl Into<Label>) -> Self {
        self.step(Effect::Choose {
            to,
            label: label.into(),
        })
    }

    /// Learns what a role has chosen; the label ends up in
    /// [`labels`](crate::InterpretResult::labels). To go on accordingly, see
    /// [`branch`](Self::branch).
    pub fn offer(self, from: R) -> Self {
        self.step(Effect::Offer { from })
    }

    /// Learns what a role has chosen, and goes on with that alternative. Another label is an
    /// error that lists the expected ones.
    pub fn branch<L: Into<Label>>(
        self,
        from: R,
        branches: impl IntoIterator<Item = (L, Self)>,
    ) -> Self {
        let branches = branches
            .into_iter()
            .map(|(label, body)| (label.into(), body))
            .collect();
        self.step(Effect::Branch { from, branches })
    }

    /// Runs `body` a fixed number of times.
    pub fn loop_n(self, times: usize, body: Self) -> Self {
        self.step(Effect::Loop {
            times: Some(times),
            body,
        })
    }

    /// Runs `body` again and again, until a step of it is [`exit_loop`](Self::exit_loop) (usually
    /// in a branch) or an extension says [`Flow::ExitLoop`](crate::Flow::ExitLoop).
    pub fn loop_inf(self, body: Self) -> Self {
        self.step(Effect::Loop { times: None, body })
    }

    /// Leaves the innermost loop.
    pub fn exit_loop(self) -> Self {
        self.step(Effect::ExitLoop)
    }

    /// Appends another program.
    pub fn then(mut self, next: Self) -> Self {
        self.effects.extend(next.effects);
        self.run_nested = self.run_nested.or(next.run_nested);
        self
    }

    /// Marks the end of this list of steps, for the reader: a program without it ends all the same.
    /// Steps behind it could never run, and are refused. Within a branch or a loop it ends only
    /// that part; what is behind the branch goes on.
    pub fn end(self) -> Self {
        self.step(Effect::End)
    }

    /// The steps.
    #[must_use]
    pub fn effects(&self) -> &[Effect<R, M>] {
        &self.effects
    }

    /// The number of steps at the top.
    #[must_use]
    pub fn len(&self) -> usize {
        self.effects.len()
    }

    /// Whether there are no steps.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    fn step(mut self, effect: Effect<R, M>) -> Self {
        self.effects.push(effect);
        self
    }
}

impl<R: RoleId, M: Send + Sync + 'static> Program<R, M> {
    /// Runs programs at the same time, and goes on when all are done. The first error stops them
    /// all. What they receive is kept in the order of the programs, whichever is faster.
    ///
    /// Two of them should not receive from the same role: which gets what would be chance.
    pub fn parallel(self, programs: impl IntoIterator<Item = Self>) -> Self {
        self.nested(Effect::Parallel {
            programs: programs.into_iter().collect(),
        })
    }

    /// Runs `body` within a time limit; an error of kind
    /// [`Timeout`](crate::ErrorKind::Timeout) otherwise.
    pub fn with_timeout(self, limit: Duration, body: Self) -> Self {
        self.nested(Effect::Timeout {
            limit,
            body,
            fallback: None,
        })
    }

    /// Runs `body` within a time limit, else `fallback`. What the body had received by then is
    /// kept.
    pub fn with_timeout_or(self, limit: Duration, body: Self, fallback: Self) -> Self {
        self.nested(Effect::Timeout {
            limit,
            body,
            fallback: Some(fallback),
        })
    }

    /// Runs what is registered under `name` in the [`Extensions`](crate::Extensions) that the
    /// program is interpreted with; an error that names it where there is no such.
    pub fn extension<T: Send + Sync + 'static>(self, name: impl Into<String>, argument: T) -> Self {
        self.nested(Effect::Extension {
            name: name.into(),
            argument: Arc::new(argument),
        })
    }

    fn nested(mut self, effect: Effect<R, M>) -> Self {
        self.run_nested = Some(run_nested);
        self.step(effect)
    }
}

impl<R: RoleId, M> Effect<R, M> {
    /// The error of this step, with its operation and peer.
    pub(crate) fn locate(&self, error: Error) -> Error {
        let (operation, peer) = match self {
            Self::Send { to, .. } => (Operation::Send, to),
            Self::Choose { to, .. } => (Operation::Choose, to),
            Self::Recv { from } => (Operation::Recv, from),
            Self::Offer { from } | Self::Branch { from, .. } => (Operation::Offer, from),
            _ => return error,
        };
        error.at(operation, peer.name())
    }
}

impl<R: RoleId, M> Default for Program<R, M> {
    fn default() -> Self {
        Self::new()
    }
}

/// That two types are the same one: `T: SameAs<M>` holds for `T = M` only.
///
/// It lets [`Program::recv`] take the message type as an argument, and infer the program's from it.
#[diagnostic::on_unimplemented(
    message = "this program's messages are of type `{T}`, not `{Self}`",
    note = "a program has one message type; make it an enum of all messages"
)]
pub trait SameAs<T> {}

impl<T> SameAs<T> for T {}

impl<R: RoleId, M: fmt::Debug> fmt::Debug for Program<R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.effects).finish()
    }
}

impl<R: RoleId, M: fmt::Debug> fmt::Debug for Effect<R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { message, .. } | Self::Broadcast { message, .. } => {
                write!(f, "{self} {message:?}")
            }
            Self::Branch { branches, .. } => {
                write!(f, "{self} ")?;
                f.debug_map()
                    .entries(branches.iter().map(|(label, body)| (label, body)))
                    .finish()
            }
            Self::Loop { body, .. } => write!(f, "{self} {body:?}"),
            Self::Parallel { programs } => write!(f, "{self} {programs:?}"),
            Self::Timeout { body, fallback, .. } => {
                write!(f, "{self} {body:?}")?;
                fallback
                    .iter()
                    .try_for_each(|fallback| write!(f, " else {fallback:?}"))
            }
            _ => write!(f, "{self}"),
        }
    }
}

/// The step in words, without what is nested in it: `receive from Bob`.
impl<R: RoleId, M> fmt::Display for Effect<R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, role) = match self {
            Self::Send { to, .. } => ("send to ", to),
            Self::Recv { from } => ("receive from ", from),
            Self::Choose { to, label } => {
                write!(f, "choose `{label}` ")?;
                ("for ", to)
            }
            Self::Offer { from } => ("offer from ", from),
            Self::Branch { from, .. } => ("branch on ", from),
            Self::Broadcast { to, .. } => {
                return write!(f, "broadcast to {}", Recipients::All(to));
            }
            Self::Loop {
                times: Some(times), ..
            } => return write!(f, "loop {times} times"),
            Self::Loop { times: None, .. } => return f.write_str("endless loop"),
            Self::ExitLoop => return f.write_str("exit loop"),
            Self::Parallel { programs } => return write!(f, "{} in parallel", programs.len()),
            Self::Timeout { limit, .. } => return write!(f, "within {}", Millis(*limit)),
            Self::Extension { name, .. } => return write!(f, "extension `{name}`"),
            Self::End => return f.write_str("end"),
        };
        f.write_str(what)?;
        f.write_str(&role.name())
    }
}

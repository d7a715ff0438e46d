use std::fmt;
use std::future::poll_fn;
use std::task::Poll;

use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ext::{self, locate, unknown_label};
use crate::runtime;
use crate::{
    ChoreoHandler, ChoreoHandlerExt, Effect, Error, ErrorKind, Extensions, Flow, Label, Operation,
    Outgoing, Program, Result, RoleId,
};

/// Runs a program over a handler.
///
/// ```
/// use choreo_core::{ChoreoHandler, InterpretResult, Program, interpret};
/// # #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
/// # enum Role { Alice, Bob }
///
/// async fn ask<H>(handler: &H, endpoint: &H::Endpoint) -> choreo_core::Result<Option<String>>
/// where
///     H: ChoreoHandler<Role = Role> + ?Sized,
/// {
///     let program = Program::new()
///         .send(Role::Bob, "how are you?".to_string())
///         .recv::<String>(Role::Bob)
///         .end();
///     let result = interpret(handler, endpoint, program).await?;
///     Ok(result.received_values.into_iter().next())
/// }
/// ```
///
/// # Errors
/// The first error of a step, with the place in the program and what was received before it. A
/// program that is not [valid](Program::validate) does not start.
///
/// # Cancel safety
/// A message that is being received is not lost. What the program had received before is.
pub async fn interpret<H, M>(
    handler: &H,
    endpoint: &H::Endpoint,
    program: Program<H::Role, M>,
) -> Result<InterpretResult<M>, InterpretError<M>>
where
    H: ChoreoHandler + ?Sized,
    M: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    Interpreter::new(handler, endpoint).run(&program).await
}

/// Runs programs, with extensions and limits.
///
/// ```
/// use choreo_core::{ChoreoHandler, Extensions, Flow, Interpreter, Program};
/// # use choreo_core::RoleName;
///
/// async fn run<H>(handler: &H, endpoint: &H::Endpoint) -> choreo_core::Result<()>
/// where
///     H: ChoreoHandler<Role = RoleName> + ?Sized,
/// {
///     let extensions = Extensions::new().with("log", |text: &String, received: &[u32]| {
///         println!("{text}: {received:?}");
///         Box::pin(async { Ok(Flow::Continue) })
///     });
///     let program = Program::new()
///         .recv::<u32>("Bob".into())
///         .extension("log", "so far".to_string())
///         .end();
///     Interpreter::new(handler, endpoint).extensions(&extensions).run(&program).await?;
///     Ok(())
/// }
/// ```
pub struct Interpreter<'a, H: ChoreoHandler + ?Sized, M> {
    handler: &'a H,
    endpoint: &'a H::Endpoint,
    extensions: Option<&'a Extensions<M>>,
    received_limit: usize,
}

impl<'a, H, M> Interpreter<'a, H, M>
where
    H: ChoreoHandler + ?Sized,
    M: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// How many received messages, and how many labels, one run keeps unless told otherwise.
    pub const DEFAULT_RECEIVED_LIMIT: usize = 1 << 20;

    /// An interpreter without extensions.
    #[must_use]
    pub fn new(handler: &'a H, endpoint: &'a H::Endpoint) -> Self {
        Self {
            handler,
            endpoint,
            extensions: None,
            received_limit: Self::DEFAULT_RECEIVED_LIMIT,
        }
    }

    /// What programs may call by name.
    #[must_use]
    pub fn extensions(mut self, extensions: &'a Extensions<M>) -> Self {
        self.extensions = Some(extensions);
        self
    }

    /// How many received messages, and how many labels, one run keeps; the step that would receive
    /// one more is an error, so that an endless loop does not fill the memory. Each of the programs
    /// that run in parallel may keep as many.
    #[must_use]
    pub fn received_limit(mut self, limit: usize) -> Self {
        self.received_limit = limit;
        self
    }

    /// Runs a program.
    ///
    /// # Errors
    /// As [`interpret`].
    ///
    /// # Cancel safety
    /// As [`interpret`].
    pub async fn run(
        &self,
        program: &Program<H::Role, M>,
    ) -> Result<InterpretResult<M>, InterpretError<M>> {
        let mut received = InterpretResult::default();
        let receives = program
            .effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Recv { .. }));
        received
            .received_values
            .reserve(receives.count().min(self.received_limit));
        let done = match program.validate() {
            Ok(()) => self.program(program, &mut received).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(_) => Ok(received),
            Err(error) => Err(InterpretError { error, received }),
        }
    }

    async fn program(
        &self,
        program: &Program<H::Role, M>,
        received: &mut InterpretResult<M>,
    ) -> Result<Flow> {
        for (index, effect) in program.effects.iter().enumerate() {
            match self.effect(effect, received).await {
                Ok(Flow::Continue) => {}
                Ok(Flow::ExitLoop) => return Ok(Flow::ExitLoop),
                Err(error) => {
                    return Err(at_step(error, index, effect));
                }
            }
        }
        Ok(Flow::Continue)
    }

    /// One await for all that sends, one for all that receives, one for all that holds other
    /// steps: each is a part of the future, which is to stay small.
    async fn effect(
        &self,
        effect: &Effect<H::Role, M>,
        received: &mut InterpretResult<M>,
    ) -> Result<Flow> {
        let outgoing = match effect {
            Effect::Send { to, message } => Some((to, Outgoing::Message(message))),
            Effect::Choose { to, label } => Some((to, Outgoing::Label(label.as_str()))),
            _ => None,
        };
        if let Some((to, payload)) = outgoing {
            let sent = self.handler.send_payload(self.endpoint, to, payload).await;
            sent.map_err(|error| locate(error, Operation::sending(payload), to))?;
            return Ok(Flow::Continue);
        }

        let mut chosen = None;
        if let Effect::Recv { from } | Effect::Offer { from } | Effect::Branch { from, .. } = effect
        {
            self.check_room(received)?;
            let payload = self.handler.recv_payload(self.endpoint, from).await;
            if let Effect::Recv { .. } = effect {
                received.received_values.push(ext::received(payload, from)?);
                return Ok(Flow::Continue);
            }
            let label = ext::offered(payload, from)?;
            if let Effect::Branch { branches, .. } = effect {
                chosen = Some(alternative(branches, &label, from)?);
            }
            received.labels.push(label);
        }

        match (effect, chosen) {
            (_, Some(branch)) => self.branch(branch, received).await,
            (Effect::ExitLoop, _) => Ok(Flow::ExitLoop),
            (Effect::Offer { .. } | Effect::End, _) => Ok(Flow::Continue),
            _ => self.nested(effect, received).await,
        }
    }

    /// The steps that hold other steps return boxes: recursion needs it, flat steps do not.
    fn nested<'b>(
        &'b self,
        effect: &'b Effect<H::Role, M>,
        received: &'b mut InterpretResult<M>,
    ) -> BoxFuture<'b, Result<Flow>> {
        match effect {
            Effect::Broadcast { to, message } => Box::pin(async move {
                self.handler.broadcast(self.endpoint, to, message).await?;
                Ok(Flow::Continue)
            }),
            Effect::Loop { times, body } => self.repeat(*times, body, received),
            Effect::Parallel { programs } => self.parallel(programs, received),
            Effect::Timeout {
                limit,
                body,
                fallback,
            } => self.timeout(*limit, body, fallback.as_ref(), received),
            Effect::Extension { name, argument } => Box::pin(async move {
                let none = Extensions::new();
                let extensions = self.extensions.unwrap_or(&none);
                extensions
                    .run(name, argument.as_ref(), &received.received_values)
                    .await
            }),
            // All others are done where this is called.
            _ => Box::pin(std::future::ready(Ok(Flow::Continue))),
        }
    }

    /// Refuses to receive what could not be kept, so that it is still there.
    fn check_room(&self, received: &InterpretResult<M>) -> Result<()> {
        let limit = self.received_limit;
        if received.received_values.len().max(received.labels.len()) < limit {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Program,
            format!("{limit} received values are kept already; see `Interpreter::received_limit`"),
        ))
    }

    fn branch<'b>(
        &'b self,
        (label, body): &'b (Label, Program<H::Role, M>),
        received: &'b mut InterpretResult<M>,
    ) -> BoxFuture<'b, Result<Flow>> {
        Box::pin(async move {
            let done = self.program(body, received).await;
            done.map_err(|error| error.at_place(&format_args!("branch `{label}`")))
        })
    }

    fn repeat<'b>(
        &'b self,
        times: Option<usize>,
        body: &'b Program<H::Role, M>,
        received: &'b mut InterpretResult<M>,
    ) -> BoxFuture<'b, Result<Flow>> {
        Box::pin(async move {
            let mut round = 0;
            while times.is_none_or(|times| round < times) {
                round += 1;
                let flow = self.program(body, received).await;
                if flow.map_err(|error| error.at_place(&format_args!("round {round}")))?
                    == Flow::ExitLoop
                {
                    break;
                }
                if round % BREATH == 0 {
                    runtime::yield_now().await;
                }
            }
            Ok(Flow::Continue)
        })
    }

    fn parallel<'b>(
        &'b self,
        programs: &'b [Program<H::Role, M>],
        received: &'b mut InterpretResult<M>,
    ) -> BoxFuture<'b, Result<Flow>> {
        Box::pin(async move {
            self.check_room(received)?;
            let mut parts = Parts {
                parts: programs
                    .iter()
                    .map(|_| InterpretResult::default())
                    .collect(),
                whole: received,
            };
            let running = programs.iter().zip(&mut parts.parts).enumerate();
            let running = running.map(|(index, (program, part))| -> BoxFuture<'_, Result<()>> {
                Box::pin(async move {
                    let done = self.program(program, part).await;
                    let place = format_args!("program {}", index + 1);
                    done.map(|_| ()).map_err(|error| error.at_place(&place))
                })
            });
            all(running.collect()).await?;
            Ok(Flow::Continue)
        })
    }

    fn timeout<'b>(
        &'b self,
        limit: std::time::Duration,
        body: &'b Program<H::Role, M>,
        fallback: Option<&'b Program<H::Role, M>>,
        received: &'b mut InterpretResult<M>,
    ) -> BoxFuture<'b, Result<Flow>> {
        Box::pin(async move {
            match (
                runtime::timeout(limit, self.program(body, received)).await,
                fallback,
            ) {
                (Ok(done), _) => done,
                (Err(_), Some(fallback)) => {
                    let done = self.program(fallback, received).await;
                    done.map_err(|error| error.at_place(&"fallback"))
                }
                (Err(elapsed), None) => Err(elapsed.into()),
            }
        })
    }
}

/// The alternative of that label.
fn alternative<'b, R: RoleId, M>(
    branches: &'b [(Label, Program<R, M>)],
    label: &Label,
    from: &R,
) -> Result<&'b (Label, Program<R, M>)> {
    branches
        .iter()
        .find(|(known, _)| known == label)
        .ok_or_else(|| {
            let expected: Vec<_> = branches.iter().map(|(label, _)| label.as_str()).collect();
            locate(
                unknown_label(label.as_str(), &expected),
                Operation::Offer,
                from,
            )
        })
}

/// The error of a step, with its place.
#[cold]
fn at_step(error: Error, index: usize, effect: &dyn fmt::Display) -> Error {
    error.at_place(&format_args!("step {} ({effect})", index + 1))
}

/// Rounds of a loop between two breaths for other tasks, should no step have waited.
const BREATH: usize = 64;

/// Waits for all, or for the first error. Each wake looks at all that still run: programs in
/// parallel are few, and the code is a fraction of what a queue of the woken ones takes.
async fn all(mut running: Vec<BoxFuture<'_, Result<()>>>) -> Result<()> {
    poll_fn(|context| {
        let mut failed = None;
        running.retain_mut(|program| {
            let Poll::Ready(done) = program.as_mut().poll(context) else {
                return true;
            };
            failed = failed.take().or(done.err());
            false
        });
        match failed {
            Some(error) => Poll::Ready(Err(error)),
            None if running.is_empty() => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    })
    .await
}

/// What parallel programs have received, put together when they end: in order, by an error, or
/// because a time limit drops them.
struct Parts<'a, M> {
    parts: Vec<InterpretResult<M>>,
    whole: &'a mut InterpretResult<M>,
}

impl<M> Drop for Parts<'_, M> {
    fn drop(&mut self) {
        for part in self.parts.drain(..) {
            self.whole.received_values.extend(part.received_values);
            self.whole.labels.extend(part.labels);
        }
    }
}

/// What a program has received.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InterpretResult<M> {
    /// The messages, in the order of the program.
    pub received_values: Vec<M>,
    /// The labels of offers and branches, in the order of the program.
    pub labels: Vec<Label>,
}

impl<M> Default for InterpretResult<M> {
    fn default() -> Self {
        Self {
            received_values: Vec::new(),
            labels: Vec::new(),
        }
    }
}

/// Why a program stopped, with what it had received until then.
///
/// Turns into the [`Error`] by `?` where the rest is of no use.
#[non_exhaustive]
pub struct InterpretError<M> {
    /// Why; its detail says at which step.
    pub error: Error,
    /// What was received before.
    pub received: InterpretResult<M>,
}

impl<M> From<InterpretError<M>> for Error {
    fn from(failed: InterpretError<M>) -> Self {
        failed.error
    }
}

impl<M> fmt::Display for InterpretError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<M> fmt::Debug for InterpretError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} ({} values received before)",
            self.error,
            self.received.received_values.len()
        )
    }
}

impl<M> std::error::Error for InterpretError<M> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.error)
    }
}

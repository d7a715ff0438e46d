use std::fmt;
use std::future::ready;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ext::{offered, received, unknown_label};
use crate::nested::Runs;
use crate::runtime;
use crate::steps::Steps;
use crate::{
    BoxFuture, ChoreoHandler, Effect, Error, ErrorKind, Extensions, Flow, Incoming, Label,
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
        let done = match program.validate() {
            Ok(()) => self.program(program, &mut received).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(_) => Ok(received),
            Err(error) => Err(InterpretError { error, received }),
        }
    }

    /// Runs the steps. All of them share three awaits, for what sends, for what receives, and for
    /// what runs in a box of its own: each is a part of the future, which is to stay small.
    async fn program(
        &self,
        program: &Program<H::Role, M>,
        received: &mut InterpretResult<M>,
    ) -> Result<Flow> {
        let mut steps = Steps::new(program);
        while let Some(effect) = steps.next() {
            let done = match effect {
                Effect::Send { .. } | Effect::Choose { .. } | Effect::Broadcast { .. } => {
                    self.send(effect).await.map(|()| Flow::Continue)
                }
                Effect::Recv { from } | Effect::Offer { from } | Effect::Branch { from, .. } => {
                    match self.check_room(received) {
                        Ok(()) => {
                            let payload = self.handler.recv_payload(self.endpoint, from).await;
                            received.keep(effect, payload, &mut steps)
                        }
                        Err(full) => Err(full),
                    }
                }
                Effect::Loop { times, body } => {
                    steps.enter_loop(*times, body);
                    Ok(Flow::Continue)
                }
                Effect::ExitLoop => Ok(Flow::ExitLoop),
                Effect::End => Ok(Flow::Continue),
                Effect::Parallel { .. } | Effect::Timeout { .. } | Effect::Extension { .. } => {
                    match steps.run_nested() {
                        Some(run) => run(self, effect, received).await,
                        None => Ok(Flow::Continue),
                    }
                }
            };
            match done {
                Ok(Flow::Continue) => {}
                Ok(Flow::ExitLoop) if steps.exit_loop() => {}
                Ok(Flow::ExitLoop) => return Ok(Flow::ExitLoop),
                Err(error) => return Err(steps.locate(effect.locate(error))),
            }
            if steps.want_breath() {
                runtime::yield_now().await;
            }
        }
        Ok(Flow::Continue)
    }

    fn send<'b>(&'b self, effect: &'b Effect<H::Role, M>) -> BoxFuture<'b, Result<()>> {
        let (handler, endpoint) = (self.handler, self.endpoint);
        match effect {
            Effect::Send { to, message } => {
                handler.send_payload(endpoint, to, Outgoing::Message(message))
            }
            Effect::Choose { to, label } => {
                handler.send_payload(endpoint, to, Outgoing::Label(label.as_str()))
            }
            Effect::Broadcast { to, message } => {
                handler.send_to_all(endpoint, to, Outgoing::Message(message))
            }
            // All others send nothing.
            _ => Box::pin(ready(Ok(()))),
        }
    }
}

impl<H, M> Runs<H::Role, M> for Interpreter<'_, H, M>
where
    H: ChoreoHandler + ?Sized,
    M: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    fn run_part<'a>(
        &'a self,
        program: &'a Program<H::Role, M>,
        received: &'a mut InterpretResult<M>,
    ) -> BoxFuture<'a, Result<Flow>> {
        Box::pin(self.program(program, received))
    }

    fn extensions(&self) -> Option<&Extensions<M>> {
        self.extensions
    }

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

impl<M: DeserializeOwned> InterpretResult<M> {
    /// Keeps what a step has received; a branch then goes on with one of its alternatives.
    fn keep<'a, R: RoleId>(
        &mut self,
        effect: &'a Effect<R, M>,
        payload: Result<Incoming>,
        steps: &mut Steps<'a, R, M>,
    ) -> Result<Flow> {
        if let Effect::Recv { .. } = effect {
            self.received_values.push(received(payload)?);
            return Ok(Flow::Continue);
        }
        let label: Label = offered(payload)?;
        if let Effect::Branch { branches, .. } = effect {
            let Some(branch) = branches.iter().find(|(known, _)| *known == label) else {
                let expected: Vec<_> = branches.iter().map(|(label, _)| label.as_str()).collect();
                return Err(unknown_label(label.as_str(), &expected));
            };
            steps.enter_branch(branch);
        }
        self.labels.push(label);
        Ok(Flow::Continue)
    }
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

//! The steps that run other programs, or code of the user's.
//!
//! A program carries a pointer to this where it has such a step, so that it is not in the module of
//! an application whose programs have none.

use std::future::{poll_fn, ready};
use std::task::Poll;
use std::time::Duration;

use crate::extension::unregistered;
use crate::{
    BoxFuture, Effect, Extensions, Flow, InterpretResult, Program, Result, RoleId, runtime,
};

/// Runs programs: the interpreter, without its types.
pub(crate) trait Runs<R, M>: Sync {
    /// Runs a program within another: in a box, which recursion needs.
    fn run_part<'a>(
        &'a self,
        program: &'a Program<R, M>,
        received: &'a mut InterpretResult<M>,
    ) -> BoxFuture<'a, Result<Flow>>;

    /// What programs may call by name.
    fn extensions(&self) -> Option<&Extensions<M>>;

    /// Refuses to receive what could not be kept, so that it is still there.
    fn check_room(&self, received: &InterpretResult<M>) -> Result<()>;
}

/// Runs a step of these.
pub(crate) type RunNested<R, M> = for<'a> fn(
    &'a dyn Runs<R, M>,
    &'a Effect<R, M>,
    &'a mut InterpretResult<M>,
) -> BoxFuture<'a, Result<Flow>>;

pub(crate) fn run_nested<'a, R: RoleId, M: Send + Sync + 'static>(
    runs: &'a dyn Runs<R, M>,
    effect: &'a Effect<R, M>,
    received: &'a mut InterpretResult<M>,
) -> BoxFuture<'a, Result<Flow>> {
    match effect {
        Effect::Parallel { programs } => Box::pin(parallel(runs, programs, received)),
        Effect::Timeout {
            limit,
            body,
            fallback,
        } => Box::pin(timeout(runs, *limit, body, fallback.as_ref(), received)),
        Effect::Extension { name, argument } => {
            let run = match runs.extensions() {
                Some(extensions) => {
                    extensions.run(name, argument.as_ref(), &received.received_values)
                }
                None => Err(unregistered(name, &[])),
            };
            run.unwrap_or_else(|error| Box::pin(ready(Err(error))))
        }
        _ => Box::pin(ready(Ok(Flow::Continue))),
    }
}

async fn parallel<R: RoleId, M: Send + Sync>(
    runs: &dyn Runs<R, M>,
    programs: &[Program<R, M>],
    received: &mut InterpretResult<M>,
) -> Result<Flow> {
    runs.check_room(received)?;
    let mut parts = Parts {
        parts: programs
            .iter()
            .map(|_| InterpretResult::default())
            .collect(),
        whole: received,
    };
    let running = programs.iter().zip(&mut parts.parts);
    let running = running.map(|(program, part)| Some(runs.run_part(program, part)));
    all(running.collect()).await
}

async fn timeout<R: RoleId, M: Send + Sync>(
    runs: &dyn Runs<R, M>,
    limit: Duration,
    body: &Program<R, M>,
    fallback: Option<&Program<R, M>>,
    received: &mut InterpretResult<M>,
) -> Result<Flow> {
    let elapsed = match runtime::timeout(limit, runs.run_part(body, received)).await {
        Ok(done) => return done,
        Err(elapsed) => elapsed,
    };
    match fallback {
        Some(fallback) => {
            let done = runs.run_part(fallback, received).await;
            done.map_err(|error| error.at_place(&"fallback"))
        }
        None => Err(elapsed.into()),
    }
}

/// Waits for all, or for the first error. Each wake looks at all that still run: programs in
/// parallel are few, and the code is a fraction of what a queue of the woken ones takes.
async fn all(mut running: Vec<Option<BoxFuture<'_, Result<Flow>>>>) -> Result<Flow> {
    poll_fn(|context| {
        let mut polled = Poll::Ready(Ok(Flow::Continue));
        for (index, slot) in running.iter_mut().enumerate() {
            let Some(program) = slot else { continue };
            match program.as_mut().poll(context) {
                Poll::Ready(Ok(_)) => *slot = None,
                Poll::Ready(Err(error)) => {
                    let place = format_args!("program {}", index + 1);
                    return Poll::Ready(Err(error.at_place(&place)));
                }
                Poll::Pending => polled = Poll::Pending,
            }
        }
        polled
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

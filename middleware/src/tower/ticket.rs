use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use choreo_core::{Error, ErrorKind, Result};

use super::Reply;

/// Where the call of a handler, which can run the operation but must not begin, and an attempt at
/// the bottom of tower's layers, which may begin but cannot run it, meet.
///
/// tower's services take requests that own all they have and may leave for another task; a call
/// borrows its payload and its endpoint. So the operation runs where the call is awaited, and
/// only a ticket goes through the layers.
pub(super) struct Ticket {
    /// A receive that was given up has lost nothing, a send may have arrived.
    may_run_again: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stage: Stage,
    /// There must be no further attempt: an earlier one has ended for good, or may have.
    settled: bool,
    call: Option<Waker>,
    attempt: Option<Waker>,
}

#[derive(Default)]
enum Stage {
    /// There is no attempt.
    #[default]
    Idle,
    /// An attempt waits for the call to begin.
    Asked,
    Running,
    /// For the attempt to take.
    Done(Result<Reply>),
    /// The call was dropped.
    Gone,
}

/// What the call has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Begin,
    GoOn,
    Stop,
}

impl Ticket {
    pub(super) fn new(may_run_again: bool) -> Arc<Self> {
        Arc::new(Self {
            may_run_again,
            state: Mutex::default(),
        })
    }

    /// The call's: what to do, and who is woken when that changes.
    pub(super) fn turn(&self, waker: &Waker) -> Turn {
        let mut state = self.state();
        let replaced = set(&mut state.call, waker);
        let turn = match state.stage {
            Stage::Asked => {
                state.stage = Stage::Running;
                Turn::Begin
            }
            Stage::Running => Turn::GoOn,
            Stage::Idle | Stage::Done(_) | Stage::Gone => Turn::Stop,
        };
        drop(state);
        drop(replaced);
        turn
    }

    /// The call's: whether [`turn`](Self::turn) has something new for it.
    pub(super) fn has_turned(&self, running: bool) -> bool {
        match self.state().stage {
            Stage::Asked => true,
            Stage::Running => false,
            Stage::Idle | Stage::Done(_) | Stage::Gone => running,
        }
    }

    /// The call's: the operation was not done, and may be attempted again.
    pub(super) fn fail(&self, error: Error) {
        self.end_attempt(Err(error), false);
    }

    /// The call's: the operation has come to its end, well or not.
    pub(super) fn finish(&self, result: Result<Reply>) {
        self.end_attempt(result, true);
    }

    /// The call's: whether no attempt can have sent anything.
    pub(super) fn is_unsent(&self) -> bool {
        let state = self.state();
        !state.settled && !matches!(state.stage, Stage::Running)
    }

    /// The call's last: nobody runs the operation any more.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        if !matches!(state.stage, Stage::Done(_)) {
            state.stage = Stage::Gone;
        }
        let wakers = [state.call.take(), state.attempt.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// The attempt's first: asks for the operation to be run.
    pub(super) fn ask(&self) -> Result<()> {
        let mut state = self.state();
        if state.settled {
            return Err(settled());
        }
        match state.stage {
            Stage::Idle => {}
            Stage::Gone => return Err(gone()),
            Stage::Asked | Stage::Running | Stage::Done(_) => {
                let detail = "a tower layer made two attempts at one operation at once; let the \
                              first one end before the second begins";
                return Err(Error::new(ErrorKind::Config, detail));
            }
        }
        state.stage = Stage::Asked;
        let call = state.call.take();
        drop(state);
        call.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// The attempt's: waits for the end of the operation.
    pub(super) fn poll_done(&self, context: &Context<'_>) -> Poll<Result<Reply>> {
        let mut state = self.state();
        match std::mem::take(&mut state.stage) {
            Stage::Done(result) => Poll::Ready(result),
            Stage::Gone => {
                state.stage = Stage::Gone;
                Poll::Ready(Err(gone()))
            }
            stage => {
                state.stage = stage;
                let replaced = set(&mut state.attempt, context.waker());
                drop(state);
                drop(replaced);
                Poll::Pending
            }
        }
    }

    /// The attempt's last, when it did not wait for the end.
    pub(super) fn give_up(&self) {
        let mut state = self.state();
        match state.stage {
            Stage::Idle | Stage::Gone => return,
            Stage::Running => state.settled |= !self.may_run_again,
            Stage::Asked | Stage::Done(_) => {}
        }
        let left = std::mem::take(&mut state.stage);
        let wakers = [state.call.take(), state.attempt.take()];
        drop(state);
        drop(left);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn end_attempt(&self, result: Result<Reply>, settled: bool) {
        let mut state = self.state();
        state.settled |= settled;
        let mut attempt = None;
        if matches!(state.stage, Stage::Running) {
            state.stage = Stage::Done(result);
            attempt = state.attempt.take();
        }
        drop(state);
        attempt.into_iter().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn settled() -> Error {
    let detail = "not repeated: an attempt before was given up while it ran, and may have arrived";
    Error::new(ErrorKind::Timeout, detail)
}

fn gone() -> Error {
    Error::new(ErrorKind::Closed, "the call of the handler was dropped")
}

/// Keeps a waker; gives the one that it replaces, to be dropped without the lock.
fn set(place: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    match place {
        Some(kept) if kept.will_wake(waker) => None,
        _ => place.replace(waker.clone()),
    }
}

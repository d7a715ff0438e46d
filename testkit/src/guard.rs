use std::fmt::{Debug, Display};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use choreo_core::{Error, ErrorKind, Result, runtime};
use futures::StreamExt;
use futures::future::{BoxFuture, Either, select};
use futures::stream::FuturesUnordered;

use crate::{Promise, Violation, platform};

/// Turns what must not happen in a check into a [`Violation`] that says what it was.
///
/// Every wait of a check goes through [`within`](Self::within), so that nothing hangs without a
/// word.
pub(crate) struct Guard {
    pub(crate) check: &'static str,
    pub(crate) promise: Promise,
    pub(crate) patience: Duration,
    pub(crate) time_limit: Duration,
}

impl Guard {
    /// What must come to an end.
    pub(crate) async fn within<T>(
        &self,
        what: impl Display,
        future: impl Future<Output = T>,
    ) -> Result<T, Violation> {
        let limit = self.time_limit;
        runtime::timeout(limit, alone(self.watched(&what, future)))
            .await
            .map_err(|_| self.violation(format_args!("{what} hung for {limit:?}")))
    }

    /// What must succeed.
    pub(crate) async fn ok<T>(
        &self,
        what: impl Display,
        future: impl Future<Output = Result<T>>,
    ) -> Result<T, Violation> {
        self.within(&what, future)
            .await?
            .map_err(|error| self.violation(format_args!("{what} failed: {error:?}")))
    }

    /// What must fail, and how.
    pub(crate) async fn fails<T: Debug>(
        &self,
        what: impl Display,
        kind: ErrorKind,
        future: impl Future<Output = Result<T>>,
    ) -> Result<Error, Violation> {
        match self.within(&what, future).await? {
            Err(error) if error.kind() == kind => Ok(error),
            Err(error) => Err(self.violation(format_args!(
                "{what} failed with {error:?}, where an error of kind {kind:?} was due"
            ))),
            Ok(value) => Err(self.violation(format_args!(
                "{what} gave {value:?}, where an error of kind {kind:?} was due"
            ))),
        }
    }

    /// What must not come to an end yet.
    pub(crate) async fn waits<T: Debug>(
        &self,
        what: impl Display,
        future: Pin<&mut (impl Future<Output = T> + ?Sized)>,
    ) -> Result<(), Violation> {
        let future = pin!(alone(self.watched(&what, future)));
        match select(future, pin!(self.look_on())).await {
            Either::Left((output, _)) => Err(self.violation(format_args!(
                "{what} did not wait, it ended with {output:?}"
            ))),
            Either::Right(_) => Ok(()),
        }
    }

    /// Polls a future a few times, with breaths between, and gives its output if it is ready.
    pub(crate) async fn poll_times<T>(
        &self,
        what: impl Display,
        times: usize,
        future: Pin<&mut (impl Future<Output = T> + ?Sized)>,
    ) -> Option<T> {
        let mut future = pin!(self.watched(what, future));
        for _ in 0..times {
            if let Poll::Ready(output) = futures::poll!(future.as_mut()) {
                return Some(output);
            }
            runtime::yield_now().await;
        }
        None
    }

    /// Gives everything that is under way the time to happen.
    pub(crate) fn look_on(&self) -> impl Future<Output = ()> + Send + 'static {
        runtime::sleep(self.patience)
    }

    /// Sends 0, 1, 2 .. until one waits: how many were sent, and the one that waits. `None` if
    /// more than `bound` were sent and none waited.
    ///
    /// `name` says what sending one behind so many others is.
    pub(crate) async fn fill<'a>(
        &self,
        bound: usize,
        name: impl Fn(u32) -> String,
        send: impl Fn(u32) -> BoxFuture<'a, Result<()>>,
    ) -> Result<Option<(u32, BoxFuture<'a, Result<()>>)>, Violation> {
        for sent in 0..=bound {
            let sent = u32::try_from(sent).expect("bounds are lower than that");
            let (what, mut sending) = (name(sent), send(sent));
            let sent_at_once = async {
                match select(&mut sending, pin!(self.look_on())).await {
                    Either::Left((sent, _)) => Some(sent),
                    Either::Right(_) => None,
                }
            };
            match self.within(&what, sent_at_once).await? {
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    return Err(self.violation(format_args!("{what} failed: {error:?}")));
                }
                None => {
                    self.ensure(sent > 0, || format!("{what} waited"))?;
                    return Ok(Some((sent, sending)));
                }
            }
        }
        Ok(None)
    }

    /// A condition of the promise.
    pub(crate) fn ensure<D: Display>(
        &self,
        holds: bool,
        otherwise: impl FnOnce() -> D,
    ) -> Result<(), Violation> {
        if holds {
            Ok(())
        } else {
            Err(self.violation(otherwise()))
        }
    }

    /// The future, with anything that blocks the thread in it found out.
    fn watched<F: Future>(&self, what: impl Display, future: F) -> impl Future<Output = F::Output> {
        let limit = self.time_limit;
        let blocked = self.violation(format_args!(
            "{what} blocked its thread for {limit:?}, where it should have returned `Pending`"
        ));
        platform::watched(limit, blocked, future)
    }

    pub(crate) fn violation(&self, happened: impl Display) -> Violation {
        Violation::new(self.check, self.promise, happened)
    }
}

/// Polls a future only when it was woken itself, and not because others beside it were: a wake-up
/// that is forgotten becomes a hang.
async fn alone<F: Future>(future: F) -> F::Output {
    let mut woken = FuturesUnordered::from_iter([future]);
    match woken.next().await {
        Some(output) => output,
        None => unreachable!("there is one future in it"),
    }
}

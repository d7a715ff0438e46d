use std::borrow::Borrow;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use choreo_core::{Error, ErrorKind, Label, Message, Result, RoleName, runtime};
use futures::FutureExt;
use futures::future::{BoxFuture, Either, select};
use serde::de::DeserializeOwned;

use crate::{ErasedFixture, Peer, Promise, Settings, Violation, platform};

/// One run of one check: opens sessions, and turns what must not happen into a [`Violation`].
///
/// Every wait goes through [`within`](Self::within), so that nothing hangs without a word.
pub(crate) struct Trial<'f> {
    fixture: &'f dyn ErasedFixture,
    check: &'static str,
    promise: Promise,
    pub(crate) settings: Settings,
}

impl<'f> Trial<'f> {
    pub(crate) fn new(
        fixture: &'f dyn ErasedFixture,
        check: &'static str,
        promise: Promise,
    ) -> Self {
        Self {
            fixture,
            check,
            promise,
            settings: fixture.settings(),
        }
    }

    /// Opens a session of the first `N` roles.
    pub(crate) async fn session<const N: usize>(&self) -> Result<[Peer; N], Violation> {
        let opening = self.fixture.open(N);
        let peers = self.ok("opening a session", opening).await?;
        peers.try_into().map_err(|peers: Vec<Peer>| {
            self.violation(format_args!(
                "the check needs {N} roles, and the fixture has {}",
                peers.len()
            ))
        })
    }

    /// A peer leaves in order.
    pub(crate) async fn leave(&self, peer: Peer) -> Result<(), Violation> {
        let what = format!("{peer} leaving the session");
        self.ok(what, self.fixture.close(peer)).await
    }

    /// What must come to an end.
    pub(crate) async fn within<T>(
        &self,
        what: impl Display,
        future: impl Future<Output = T>,
    ) -> Result<T, Violation> {
        let limit = self.settings.time_limit;
        let blocked = || {
            self.violation(format_args!(
                "{what} blocked its thread for {limit:?}, where it should have returned `Pending`"
            ))
        };
        let watched = platform::watched(limit, blocked, future);
        runtime::timeout(limit, watched)
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
        future: Pin<&mut impl Future<Output = T>>,
    ) -> Result<(), Violation> {
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
        times: usize,
        mut future: Pin<&mut impl Future<Output = T>>,
    ) -> Option<T> {
        for _ in 0..times {
            if let Poll::Ready(output) = futures::poll!(future.as_mut()) {
                return Some(output);
            }
            runtime::yield_now().await;
        }
        None
    }

    /// Sends 0, 1, 2 .. to a peer that reads nothing, until a send waits: how many were sent, and
    /// the one that waits.
    pub(crate) async fn fill<'a>(
        &self,
        from: &'a Peer,
        to: &Peer,
    ) -> Result<(u32, BoxFuture<'a, Result<()>>), Violation> {
        let bound = self.settings.queue_bound;
        for sent in 0..=bound {
            let sent = u32::try_from(sent).expect("queues are shorter than that");
            let name = to.name().clone();
            let mut sending = async move { from.send(&name, &sent).await }.boxed();
            match select(&mut sending, pin!(self.look_on())).await {
                Either::Left((Ok(()), _)) => {}
                Either::Left((Err(error), _)) => {
                    return Err(self.violation(format_args!(
                        "{from} sending a message to {to}, behind {sent} others, failed: {error:?}"
                    )));
                }
                Either::Right(_) => {
                    self.ensure(sent > 0, || {
                        format!("{from}'s first send to {to} waited, with nothing before it")
                    })?;
                    return Ok((sent, sending));
                }
            }
        }
        Err(self.violation(format_args!(
            "{from} sent {} messages to {to}, who read none, and no send waited; \
             the fixture says that the queue's bound is {bound}",
            bound + 1
        )))
    }

    /// Gives everything that is under way the time to happen.
    pub(crate) fn look_on(&self) -> impl Future<Output = ()> + Send + 'static {
        let patience: Duration = self.settings.patience;
        runtime::sleep(patience)
    }

    /// A send that must succeed.
    pub(crate) async fn send<M: Message + Debug>(
        &self,
        from: &Peer,
        to: &impl Borrow<RoleName>,
        message: &M,
    ) -> Result<(), Violation> {
        let what = format!("{from} sending {message:?} to {}", to.borrow());
        self.ok(what, from.send(to, message)).await
    }

    /// A receive that must give this message.
    pub(crate) async fn recv<M>(
        &self,
        at: &Peer,
        from: &impl Borrow<RoleName>,
        due: &M,
    ) -> Result<(), Violation>
    where
        M: DeserializeOwned + Debug + PartialEq,
    {
        let what = format!("{at} receiving {due:?} from {}", from.borrow());
        let received: M = self.ok(what, at.recv(from)).await?;
        self.ensure(received == *due, || {
            format!(
                "{at} received {received:?} from {} where {due:?} was due",
                from.borrow()
            )
        })
    }

    /// A choice that must succeed.
    pub(crate) async fn choose(
        &self,
        from: &Peer,
        to: &impl Borrow<RoleName>,
        label: &str,
    ) -> Result<(), Violation> {
        let what = format!("{from} choosing {label:?} for {}", to.borrow());
        let label = Label::from(label.to_owned());
        self.ok(what, from.choose(to, label)).await
    }

    /// An offer that must give this label.
    pub(crate) async fn offer(
        &self,
        at: &Peer,
        from: &impl Borrow<RoleName>,
        due: &str,
    ) -> Result<(), Violation> {
        let what = format!("{at} offering {due:?} to {}", from.borrow());
        let received: Label = self.ok(what, at.offer(from)).await?;
        self.ensure(received.as_str() == due, || {
            format!(
                "{at} got the label {received:?} from {} where {due:?} was due",
                from.borrow()
            )
        })
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

    pub(crate) fn violation(&self, happened: impl Display) -> Violation {
        Violation::new(self.check, self.promise, happened)
    }
}

use std::borrow::Borrow;
use std::fmt::Debug;
use std::ops::Deref;

use choreo_core::{Label, Message, Result, RoleName};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;

use crate::guard::Guard;
use crate::{ErasedFixture, Peer, Promise, Settings, Violation};

/// One run of one check of a handler: opens sessions, and has the steps that checks are made of.
pub(crate) struct Trial<'f> {
    fixture: &'f dyn ErasedFixture,
    guard: Guard,
    pub(crate) settings: Settings,
}

impl Deref for Trial<'_> {
    type Target = Guard;

    fn deref(&self) -> &Guard {
        &self.guard
    }
}

impl<'f> Trial<'f> {
    pub(crate) fn new(
        fixture: &'f dyn ErasedFixture,
        check: &'static str,
        promise: Promise,
    ) -> Self {
        let settings = fixture.settings();
        let guard = Guard {
            check,
            promise,
            patience: settings.patience,
            time_limit: settings.time_limit,
        };
        Self {
            fixture,
            guard,
            settings,
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

    /// Sends 0, 1, 2 .. to a peer that reads nothing, until a send waits: how many were sent, and
    /// the one that waits.
    pub(crate) async fn fill<'a>(
        &self,
        from: &'a Peer,
        to: &Peer,
    ) -> Result<(u32, BoxFuture<'a, Result<()>>), Violation> {
        let bound = self.settings.queue_bound;
        let name = |sent| format!("{from} sending a message to {to}, behind {sent} others,");
        let send = |sent| {
            let to = to.name().clone();
            async move { from.send(&to, &sent).await }.boxed()
        };
        let filled = self.guard.fill(bound, name, send).await?;
        filled.ok_or_else(|| {
            self.violation(format_args!(
                "{from} sent {} messages to {to}, who read none, and no send waited; \
                 the fixture says that the queue's bound is {bound}",
                bound + 1
            ))
        })
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
}

use std::any::Any;
use std::borrow::Borrow;
use std::fmt;
use std::time::Duration;

use choreo_core::{
    ChoreoHandler, ChoreoHandlerExt, Error, ErrorKind, LabelId, Message, Result, RoleId, RoleName,
    handler_fn,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;

use crate::HandlerFixture;

/// A [`HandlerFixture`] with its types taken off: what the checks work on, so that they are
/// compiled once and not for every handler. Every `HandlerFixture` is one.
pub trait ErasedFixture: Send + Sync {
    /// What the fixture says of itself.
    fn settings(&self) -> Settings;

    /// Opens a session of the first `roles` roles.
    fn open(&self, roles: usize) -> BoxFuture<'_, Result<Vec<Peer>>>;

    /// A peer leaves its session in order.
    fn close(&self, peer: Peer) -> BoxFuture<'_, Result<()>>;
}

/// What a [`HandlerFixture`] says of itself, by the names of its methods.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The names of all roles.
    pub roles: Vec<RoleName>,
    /// See [`HandlerFixture::queue_bound`].
    pub queue_bound: usize,
    /// See [`HandlerFixture::patience`].
    pub patience: Duration,
    /// See [`HandlerFixture::time_limit`].
    pub time_limit: Duration,
    /// See [`HandlerFixture::cannot`].
    pub cannot: Vec<(&'static str, &'static str)>,
}

impl<F: HandlerFixture> ErasedFixture for F {
    fn settings(&self) -> Settings {
        Settings {
            roles: self.roles().iter().map(name_of).collect(),
            queue_bound: self.queue_bound(),
            patience: self.patience(),
            time_limit: self.time_limit(),
            cannot: self.cannot(),
        }
    }

    fn open(&self, count: usize) -> BoxFuture<'_, Result<Vec<Peer>>> {
        async move {
            let all = self.roles();
            let roles = &all[..count.min(all.len())];
            let members = self.session(roles).await?;
            if members.len() != roles.len() {
                return Err(Error::new(
                    ErrorKind::Config,
                    format!(
                        "the fixture's session has {} members instead of one for each of {roles:?}",
                        members.len()
                    ),
                ));
            }
            let peers = roles
                .iter()
                .zip(members)
                .map(|(role, (handler, endpoint))| {
                    let roles = all.iter().map(|role| (name_of(role), role.clone()));
                    Peer {
                        name: name_of(role),
                        handler: Box::new(Member::<F::Handler> {
                            handler,
                            endpoint,
                            roles: roles.collect(),
                        }),
                    }
                });
            Ok(peers.collect())
        }
        .boxed()
    }

    fn close(&self, peer: Peer) -> BoxFuture<'_, Result<()>> {
        async move {
            let member: Box<dyn Any + Send> = peer.handler;
            match member.downcast::<Member<F::Handler>>() {
                Ok(member) => self.leave(member.handler, member.endpoint).await,
                Err(_) => Err(Error::new(
                    ErrorKind::Config,
                    "the peer is of another fixture; close it with the one that opened it",
                )),
            }
        }
        .boxed()
    }
}

/// One role in a session under test: a handler, bound to its endpoint and boxed, with roles by
/// name.
pub struct Peer {
    name: RoleName,
    handler: Box<dyn AnyMember>,
}

impl Peer {
    /// The role's name.
    #[must_use]
    pub fn name(&self) -> &RoleName {
        &self.name
    }

    /// The handler, to call it without types.
    #[must_use]
    pub fn handler(&self) -> &dyn ChoreoHandler<Role = RoleName, Endpoint = ()> {
        &*self.handler
    }

    /// Sends a message.
    ///
    /// # Errors
    /// As [`ChoreoHandlerExt::send`].
    pub async fn send<M: Message>(&self, to: &impl Borrow<RoleName>, message: &M) -> Result<()> {
        self.handler.send(&(), to.borrow().clone(), message).await
    }

    /// Receives a message.
    ///
    /// # Errors
    /// As [`ChoreoHandlerExt::recv`].
    pub async fn recv<M: DeserializeOwned>(&self, from: &impl Borrow<RoleName>) -> Result<M> {
        self.handler.recv(&(), from.borrow().clone()).await
    }

    /// Sends a label.
    ///
    /// # Errors
    /// As [`ChoreoHandlerExt::choose`].
    pub async fn choose<L: LabelId>(&self, to: &impl Borrow<RoleName>, label: L) -> Result<()> {
        self.handler.choose(&(), to.borrow().clone(), label).await
    }

    /// Receives a label.
    ///
    /// # Errors
    /// As [`ChoreoHandlerExt::offer`].
    pub async fn offer<L: LabelId>(&self, from: &impl Borrow<RoleName>) -> Result<L> {
        self.handler.offer(&(), from.borrow().clone()).await
    }
}

/// A peer stands for its name, so that checks say `alice.send(&bob, ..)`.
impl Borrow<RoleName> for Peer {
    fn borrow(&self) -> &RoleName {
        &self.name
    }
}

/// The role's name.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

trait AnyMember: ChoreoHandler<Role = RoleName, Endpoint = ()> + Any {}

impl<H: ChoreoHandler + 'static> AnyMember for Member<H> {}

struct Member<H: ChoreoHandler> {
    handler: H,
    endpoint: H::Endpoint,
    roles: Vec<(RoleName, H::Role)>,
}

impl<H: ChoreoHandler> Member<H> {
    fn role(&self, name: &RoleName) -> &H::Role {
        let found = self.roles.iter().find(|(known, _)| known == name);
        &found.expect("checks use the fixture's roles only").1
    }
}

#[deny(clippy::missing_trait_methods)]
impl<H: ChoreoHandler> ChoreoHandler for Member<H> {
    type Role = RoleName;
    type Endpoint = ();

    handler_fn! {
        fn send_payload(self, (), to, payload) {
            self.handler.send_payload(&self.endpoint, self.role(to), payload)
        }
        fn recv_payload(self, (), from) {
            self.handler.recv_payload(&self.endpoint, self.role(from))
        }
        fn send_to_all(self, (), to, payload) {
            async move {
                let to: Vec<H::Role> = to.iter().map(|name| self.role(name).clone()).collect();
                self.handler.send_to_all(&self.endpoint, &to, payload).await
            }
            .boxed()
        }
    }

    fn abandon(&self, (): &(), others: &[RoleName]) {
        let others: Vec<H::Role> = others.iter().map(|name| self.role(name).clone()).collect();
        self.handler.abandon(&self.endpoint, &others);
    }
}

fn name_of<R: RoleId>(role: &R) -> RoleName {
    RoleName::from(role.name())
}

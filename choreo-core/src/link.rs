use serde::de::DeserializeOwned;

use crate::ext::{ChoreoHandlerExt, received, unknown_label};
use crate::{ChoreoHandler, Incoming, Message, Operation, Outgoing, Result, RoleId};

/// Where a role stands in a protocol, for APIs that are generated from one: a handler and an
/// endpoint, and whom to tell when the role stops in the middle.
///
/// Dropped before [`end`](Self::end), it [abandons](ChoreoHandler::abandon) the others.
///
/// Each step takes it and gives it back, so it is one pointer, and each is one future: more of them
/// would cost more than the step itself does in memory.
///
/// ```
/// use choreo_core::{ChoreoHandler, Link, Result};
///
/// async fn ask<H>(handler: &H, endpoint: &H::Endpoint) -> Result<u32>
/// where
///     H: ChoreoHandler<Role = &'static str> + ?Sized,
/// {
///     let link = Link::new(handler, endpoint, &["Bob"]);
///     let link = link.send("Bob", 1_u32, |link| link).await?;
///     let (answer, link) = link.recv("Bob", |link| link).await?;
///     link.end();
///     Ok(answer)
/// }
/// ```
pub struct Link<'a, H: ChoreoHandler + ?Sized> {
    /// In a box, since it moves with each step.
    ends: Box<Ends<'a, H>>,
}

struct Ends<'a, H: ChoreoHandler + ?Sized> {
    handler: &'a H,
    endpoint: &'a H::Endpoint,
    /// Empty once it has ended.
    others: &'a [H::Role],
}

#[expect(
    clippy::manual_async_fn,
    reason = "an `async fn` moves its arguments once more, and is not bound to be `Send`"
)]
impl<'a, H: ChoreoHandler + ?Sized> Link<'a, H> {
    /// At the beginning, with all other roles.
    #[must_use]
    pub fn new(handler: &'a H, endpoint: &'a H::Endpoint, others: &'a [H::Role]) -> Self {
        let ends = Ends {
            handler,
            endpoint,
            others,
        };
        Self {
            ends: Box::new(ends),
        }
    }

    /// Sends a message, and gives what comes `then`.
    ///
    /// # Errors
    /// As [`ChoreoHandlerExt::send`].
    pub fn send<M: Message, N>(
        self,
        to: H::Role,
        message: M,
        then: fn(Self) -> N,
    ) -> impl Future<Output = Result<N>> + Send {
        async move {
            let Ends {
                handler, endpoint, ..
            } = *self.ends;
            let message = Outgoing::Message(&message);
            match handler.send_payload(endpoint, &to, message).await {
                Ok(()) => Ok(then(self)),
                Err(error) => Err(error.at(Operation::Send, to.name())),
            }
        }
    }

    /// Receives a message, waiting for it, and gives what comes `then`.
    ///
    /// # Errors
    /// As [`ChoreoHandlerExt::recv`].
    pub fn recv<M: DeserializeOwned, N>(
        self,
        from: H::Role,
        then: fn(Self) -> N,
    ) -> impl Future<Output = Result<(M, N)>> + Send {
        async move {
            let Ends {
                handler, endpoint, ..
            } = *self.ends;
            match received(handler.recv_payload(endpoint, &from).await) {
                Ok(message) => Ok((message, then(self))),
                Err(error) => Err(error.at(Operation::Recv, from.name())),
            }
        }
    }

    /// Tells roles what was decided, and gives what comes `then`.
    ///
    /// # Errors
    /// As [`ChoreoHandlerExt::choose_for_all`].
    pub fn choose<N>(
        self,
        to: impl AsRef<[H::Role]> + Send + Sync,
        label: &'static str,
        then: fn(Self) -> N,
    ) -> impl Future<Output = Result<N>> + Send {
        async move {
            let Ends {
                handler, endpoint, ..
            } = *self.ends;
            let label = Outgoing::Label(label);
            match to.as_ref() {
                [one] => {
                    let told = handler.send_payload(endpoint, one, label).await;
                    told.map_err(|error| error.at(Operation::Choose, one.name()))?;
                }
                all => handler.send_to_all(endpoint, all, label).await?,
            }
            Ok(then(self))
        }
    }

    /// Learns what a role has decided, waiting for it: the number of one of these labels, of which is
    /// made what comes `then`.
    ///
    /// # Errors
    /// As [`ChoreoHandlerExt::offer`]; [`UnknownLabel`](crate::ErrorKind::UnknownLabel) when it is
    /// none of them.
    pub fn offer<N>(
        self,
        from: H::Role,
        labels: &'static [&'static str],
        then: fn(usize, Self) -> N,
    ) -> impl Future<Output = Result<N>> + Send {
        async move {
            let Ends {
                handler, endpoint, ..
            } = *self.ends;
            let offered = handler.recv_payload(endpoint, &from).await;
            match number(offered, labels) {
                Ok(number) => Ok(then(number, self)),
                Err(error) => Err(error.at(Operation::Offer, from.name())),
            }
        }
    }

    /// The roles of a family, and the number of each in it: all others that have one.
    pub fn family(
        &self,
        number: fn(&H::Role) -> Option<usize>,
    ) -> impl Iterator<Item = (usize, H::Role)> + use<'a, H> {
        let numbered = move |role: &H::Role| Some((number(role)?, role.clone()));
        self.ends.others.iter().filter_map(numbered)
    }

    /// Sends a message to each of a family, in turn.
    ///
    /// # Errors
    /// As [`send`](Self::send); those before have got theirs.
    pub async fn send_each<M: Message>(
        &self,
        number: fn(&H::Role) -> Option<usize>,
        mut message: impl FnMut(usize) -> M,
    ) -> Result<()> {
        for (number, role) in self.family(number) {
            let message = message(number);
            let Ends {
                handler, endpoint, ..
            } = *self.ends;
            handler.send(endpoint, role, &message).await?;
        }
        Ok(())
    }

    /// Receives a message from each of a family, in turn, waiting for it.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    /// What was received before is lost.
    pub async fn recv_each<M: DeserializeOwned>(
        &self,
        number: fn(&H::Role) -> Option<usize>,
    ) -> Result<Vec<M>> {
        let mut messages = Vec::new();
        for (_, role) in self.family(number) {
            let Ends {
                handler, endpoint, ..
            } = *self.ends;
            messages.push(handler.recv(endpoint, role).await?);
        }
        Ok(messages)
    }

    /// Another one, for something that is done at once.
    #[must_use]
    pub fn share(&self) -> Self {
        let Ends {
            handler,
            endpoint,
            others,
        } = *self.ends;
        Self::new(handler, endpoint, others)
    }

    /// The role has come to the end of its part.
    pub fn end(mut self) {
        self.ends.others = &[];
    }
}

/// Which of the labels a receive gave.
fn number(payload: Result<Incoming>, labels: &[&str]) -> Result<usize> {
    let label = payload?.into_label()?;
    let found = labels.iter().position(|known| *known == label.as_str());
    found.ok_or_else(|| unknown_label(label.as_str(), labels))
}

impl<H: ChoreoHandler + ?Sized> Drop for Link<'_, H> {
    fn drop(&mut self) {
        if !self.ends.others.is_empty() {
            self.ends
                .handler
                .abandon(self.ends.endpoint, self.ends.others);
        }
    }
}

use serde::de::DeserializeOwned;

use crate::ext::{ChoreoHandlerExt, unknown_label};
use crate::{ChoreoHandler, Label, Message, Operation, Outgoing, Result, RoleId};

/// Where a role stands in a protocol, for APIs that are generated from one: a handler and an
/// endpoint, and whom to tell when the role stops in the middle.
///
/// Dropped before [`end`](Self::end), it [abandons](ChoreoHandler::abandon) the others.
///
/// ```
/// use choreo_core::{ChoreoHandler, Link, Result};
///
/// async fn ask<H>(handler: &H, endpoint: &H::Endpoint) -> Result<u32>
/// where
///     H: ChoreoHandler<Role = &'static str> + ?Sized,
/// {
///     let link = Link::new(handler, endpoint, &["Bob"]);
///     link.send("Bob", &1_u32).await?;
///     let answer = link.recv("Bob").await?;
///     link.end();
///     Ok(answer)
/// }
/// ```
pub struct Link<'a, H: ChoreoHandler + ?Sized> {
    handler: &'a H,
    endpoint: &'a H::Endpoint,
    /// Empty once it has ended.
    others: &'a [H::Role],
}

impl<'a, H: ChoreoHandler + ?Sized> Link<'a, H> {
    /// At the beginning, with all other roles.
    #[must_use]
    pub fn new(handler: &'a H, endpoint: &'a H::Endpoint, others: &'a [H::Role]) -> Self {
        Self {
            handler,
            endpoint,
            others,
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// As [`ChoreoHandlerExt::send`].
    pub async fn send<M: Message>(&self, to: H::Role, message: &M) -> Result<()> {
        self.handler.send(self.endpoint, to, message).await
    }

    /// Receives a message, waiting for it.
    ///
    /// # Errors
    /// As [`ChoreoHandlerExt::recv`].
    pub async fn recv<M: DeserializeOwned>(&self, from: H::Role) -> Result<M> {
        self.handler.recv(self.endpoint, from).await
    }

    /// Tells roles what was decided.
    ///
    /// # Errors
    /// As [`ChoreoHandlerExt::choose_for_all`].
    pub async fn choose(&self, to: &[H::Role], label: &str) -> Result<()> {
        let label = Outgoing::Label(label);
        match to {
            [one] => {
                let sent = self.handler.send_payload(self.endpoint, one, label).await;
                sent.map_err(|error| error.at(Operation::Choose, one.name()))
            }
            all => self.handler.send_to_all(self.endpoint, all, label).await,
        }
    }

    /// Learns what a role has decided, waiting for it: the number of one of these labels.
    ///
    /// # Errors
    /// As [`ChoreoHandlerExt::offer`]; [`UnknownLabel`](crate::ErrorKind::UnknownLabel) when it is
    /// none of them.
    pub async fn offer(&self, from: H::Role, labels: &'static [&'static str]) -> Result<usize> {
        let offered: Label = self.handler.offer(self.endpoint, from.clone()).await?;
        let found = labels.iter().position(|label| *label == offered.as_str());
        found.ok_or_else(|| {
            unknown_label(offered.as_str(), labels).at(Operation::Offer, from.name())
        })
    }

    /// The roles of a family, and the number of each in it: all others that have one.
    pub fn family(
        &self,
        number: fn(&H::Role) -> Option<usize>,
    ) -> impl Iterator<Item = (usize, H::Role)> + use<'a, H> {
        let numbered = move |role: &H::Role| Some((number(role)?, role.clone()));
        self.others.iter().filter_map(numbered)
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
            self.send(role, &message).await?;
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
            messages.push(self.recv(role).await?);
        }
        Ok(messages)
    }

    /// Another one, for something that is done at once.
    #[must_use]
    pub fn share(&self) -> Self {
        Self { ..*self }
    }

    /// The role has come to the end of its part.
    pub fn end(mut self) {
        self.others = &[];
    }
}

impl<H: ChoreoHandler + ?Sized> Drop for Link<'_, H> {
    fn drop(&mut self) {
        if !self.others.is_empty() {
            self.handler.abandon(self.endpoint, self.others);
        }
    }
}

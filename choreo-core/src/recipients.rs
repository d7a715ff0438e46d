use std::fmt;
use std::slice;

use crate::{BoxFuture, ChoreoHandler, Outgoing, Result, RoleId};

/// To whom a payload goes: what a layer needs to do the same to
/// [`send_payload`](ChoreoHandler::send_payload) and [`send_to_all`](ChoreoHandler::send_to_all).
///
/// Displays as the names of the roles.
///
/// ```
/// use choreo_core::*;
/// use std::time::Duration;
///
/// struct Slow<H> { inner: H, by: Duration }
///
/// impl<H: ChoreoHandler> Slow<H> {
///     fn send<'a>(
///         &'a self,
///         endpoint: &'a H::Endpoint,
///         to: Recipients<'a, H::Role>,
///         payload: Outgoing<'a>,
///     ) -> BoxFuture<'a, Result<()>> {
///         Box::pin(async move {
///             runtime::sleep(self.by).await;
///             to.send(&self.inner, endpoint, payload).await
///         })
///     }
/// }
///
/// impl<H: ChoreoHandler> ChoreoHandler for Slow<H> {
///     type Role = H::Role;
///     type Endpoint = H::Endpoint;
///
///     handler_fn! {
///         fn send_payload(self, endpoint, to, payload) {
///             self.send(endpoint, Recipients::One(to), payload)
///         }
///         fn send_to_all(self, endpoint, to, payload) {
///             self.send(endpoint, Recipients::All(to), payload)
///         }
///     }
///     forward!(inner: recv_payload, abandon);
/// }
/// # fn main() {}
/// ```
#[derive(Debug)]
pub enum Recipients<'a, R> {
    /// One role, by `send_payload`.
    One(&'a R),
    /// Any number of roles, by `send_to_all`.
    All(&'a [R]),
}

impl<'a, R> Recipients<'a, R> {
    /// The roles.
    #[must_use]
    pub fn roles(self) -> &'a [R] {
        match self {
            Self::One(role) => slice::from_ref(role),
            Self::All(roles) => roles,
        }
    }

    /// Sends to them by the method of the handler that is meant for it.
    pub fn send<H: ChoreoHandler<Role = R> + ?Sized>(
        self,
        handler: &'a H,
        endpoint: &'a H::Endpoint,
        payload: Outgoing<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        match self {
            Self::One(role) => handler.send_payload(endpoint, role, payload),
            Self::All(roles) => handler.send_to_all(endpoint, roles, payload),
        }
    }
}

impl<R> Clone for Recipients<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Recipients<'_, R> {}

impl<R: RoleId> fmt::Display for Recipients<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, role) in self.roles().iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            f.write_str(&role.name())?;
        }
        Ok(())
    }
}

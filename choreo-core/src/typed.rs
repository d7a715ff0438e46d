use crate::{ChoreoHandler, PeerMap, RoleId, RoleName};

/// A handler of named roles, seen by the user's own role type.
///
/// Roles go by [`RoleId::name`]; each is looked up once.
///
/// ```
/// use choreo_core::{BoxHandler, ChoreoHandlerExt, DynHandler, Typed};
///
/// #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
/// enum Role { Alice, Bob }
///
/// fn typed(stack: DynHandler) -> BoxHandler<Role> {
///     Typed::new(stack).boxed()
/// }
/// ```
pub struct Typed<R, H> {
    inner: H,
    names: PeerMap<R, RoleName>,
}

impl<R: RoleId, H: ChoreoHandler<Role = RoleName>> Typed<R, H> {
    /// The typed view of `inner`.
    #[must_use]
    pub fn new(inner: H) -> Self {
        Self {
            inner,
            names: PeerMap::new(),
        }
    }

    /// The handler of named roles again.
    #[must_use]
    pub fn into_inner(self) -> H {
        self.inner
    }

    fn name(&self, role: &R) -> &RoleName {
        self.names
            .get_or_insert_with(role, || RoleName::from(role.name()))
    }
}

#[deny(clippy::missing_trait_methods)]
impl<R: RoleId, H: ChoreoHandler<Role = RoleName>> ChoreoHandler for Typed<R, H> {
    type Role = R;
    type Endpoint = H::Endpoint;

    crate::handler_fn! {
        fn send_payload(self, endpoint, to, payload) {
            self.inner.send_payload(endpoint, self.name(to), payload)
        }
        fn recv_payload(self, endpoint, from) {
            self.inner.recv_payload(endpoint, self.name(from))
        }
        fn send_to_all(self, endpoint, to, payload) {
            Box::pin(async move {
                let to: Vec<RoleName> = to.iter().map(|role| self.name(role).clone()).collect();
                self.inner.send_to_all(endpoint, &to, payload).await
            })
        }
    }

    fn abandon(&self, endpoint: &Self::Endpoint, others: &[R]) {
        for other in others {
            let other = std::slice::from_ref(self.name(other));
            self.inner.abandon(endpoint, other);
        }
    }
}

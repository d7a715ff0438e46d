use std::time::Duration;

use choreo_core::{ChoreoHandler, Result, async_trait};

/// How the suite gets sessions of the handler under test.
///
/// ```
/// use choreo_core::{Result, RoleName};
/// use choreo_testkit::{HandlerFixture, ReferenceEndpoint, ReferenceHandler, async_trait, reference_session};
///
/// struct Reference;
///
/// #[async_trait]
/// impl HandlerFixture for Reference {
///     type Handler = ReferenceHandler;
///
///     fn roles(&self) -> Vec<RoleName> {
///         ["Alice", "Bob", "Carol"].map(RoleName::from).to_vec()
///     }
///
///     fn queue_bound(&self) -> usize {
///         8
///     }
///
///     async fn session(&self, roles: &[RoleName]) -> Result<Vec<(ReferenceHandler, ReferenceEndpoint)>> {
///         Ok(reference_session(roles, 8))
///     }
/// }
///
/// choreo_testkit::handler_suite!(Reference);
/// # fn main() {}
/// ```
///
/// Where a session needs neither waiting nor failing, [`from_fn`] is shorter.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how sessions are opened",
    note = "use `from_fn(roles, queue_bound, |roles| ..)`, whose closure gives a `Vec` of a handler \
            and its endpoint for each role, or implement `HandlerFixture`"
)]
pub trait HandlerFixture: Send + Sync {
    /// The handler under test.
    type Handler: ChoreoHandler + 'static;

    /// Three roles to test with. With two, the checks that need a third are skipped.
    fn roles(&self) -> Vec<RoleOf<Self::Handler>>;

    /// The bound of a queue: how many messages of one byte a role can at most send to a peer that
    /// reads nothing before a send waits. At least 1.
    fn queue_bound(&self) -> usize;

    /// Opens a new session of these roles, apart from all other sessions: a handler and an
    /// endpoint for each role, in their order.
    ///
    /// # Errors
    /// When the session cannot be opened; the test then fails with the error.
    async fn session(
        &self,
        roles: &[RoleOf<Self::Handler>],
    ) -> Result<Vec<(Self::Handler, EndpointOf<Self::Handler>)>>;

    /// A role leaves its session in order. By default its handler and endpoint are dropped.
    ///
    /// # Errors
    /// When it cannot leave; the test then fails with the error.
    async fn leave(
        &self,
        handler: Self::Handler,
        endpoint: EndpointOf<Self::Handler>,
    ) -> Result<()> {
        drop((handler, endpoint));
        Ok(())
    }

    /// How long the suite looks on before it takes it that an operation waits; 20 ms unless said
    /// otherwise. More than a message needs to its peer.
    fn patience(&self) -> Duration {
        Duration::from_millis(20)
    }

    /// How long one step of a test may take before it counts as hanging; 10 s unless said
    /// otherwise.
    fn time_limit(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// Promises that the handler cannot keep: the name of the check, and why. Such a check is
    /// skipped, and says so.
    fn cannot(&self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }
}

/// The roles of a handler.
pub type RoleOf<H> = <H as ChoreoHandler>::Role;

/// The endpoint of a handler.
pub type EndpointOf<H> = <H as ChoreoHandler>::Endpoint;

/// A fixture from a closure that opens a session.
///
/// `queue_bound` is as in [`HandlerFixture::queue_bound`], `open` as in
/// [`HandlerFixture::session`].
///
/// ```
/// use choreo_testkit::{from_fn, handler_suite, reference_session};
/// use choreo_core::RoleName;
///
/// handler_suite!(from_fn(
///     ["Alice", "Bob", "Carol"].map(RoleName::from),
///     8,
///     |roles| reference_session(roles, 8),
/// ));
/// # fn main() {}
/// ```
pub fn from_fn<H, O>(
    roles: impl IntoIterator<Item = H::Role>,
    queue_bound: usize,
    open: O,
) -> FnFixture<H, O>
where
    H: ChoreoHandler + 'static,
    O: Fn(&[H::Role]) -> Vec<(H, H::Endpoint)> + Send + Sync,
{
    FnFixture {
        roles: roles.into_iter().collect(),
        queue_bound,
        open,
    }
}

/// What [`from_fn`] makes.
pub struct FnFixture<H: ChoreoHandler, O> {
    roles: Vec<H::Role>,
    queue_bound: usize,
    open: O,
}

#[async_trait]
impl<H, O> HandlerFixture for FnFixture<H, O>
where
    H: ChoreoHandler + 'static,
    O: Fn(&[H::Role]) -> Vec<(H, H::Endpoint)> + Send + Sync,
{
    type Handler = H;

    fn roles(&self) -> Vec<H::Role> {
        self.roles.clone()
    }

    fn queue_bound(&self) -> usize {
        self.queue_bound
    }

    async fn session(&self, roles: &[H::Role]) -> Result<Vec<(H, H::Endpoint)>> {
        Ok((self.open)(roles))
    }
}

use choreo_core::{
    BoxHandler, ChoreoHandler, ChoreoHandlerExt, Layer, Result, RoleName, async_trait,
};
use tower::ServiceBuilder;

use crate::{
    HandlerFixture, Probe, ProbeEndpoint, ReferenceEndpoint, ReferenceHandler, reference_session,
};

/// A layer with its types taken off: what the checks work on, so that they are compiled once and
/// not for every layer.
///
/// Every layer is one that wraps any handler of named roles: a [`Layer`] over a [`Probe`], a
/// [`ReferenceHandler`] and a [`BoxHandler`], whose result is a [`ChoreoHandler`] of the same
/// roles and endpoints.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layer that wraps any handler",
    note = "write `impl<H: ChoreoHandler> Layer<H> for {Self}` and \
            `impl<H: ChoreoHandler> ChoreoHandler for` its `Service`, with `Role = H::Role` and \
            `Endpoint = H::Endpoint`; of a layer that each role has its own of, `per_role` takes how \
            it is made"
)]
pub trait LayerUnderTest: Send + Sync {
    /// The layer over a probe, through [`ChoreoHandlerExt::layer`].
    fn over_probe(&self, probe: Probe, endpoint: ProbeEndpoint) -> BoxHandler<RoleName>;

    /// The layer over a probe, through `tower::ServiceBuilder`.
    fn over_probe_by_tower(&self, probe: Probe, endpoint: ProbeEndpoint) -> BoxHandler<RoleName>;

    /// The layer of a role over a handler that keeps every promise.
    fn over_reference(
        &self,
        role: &RoleName,
        handler: ReferenceHandler,
        endpoint: ReferenceEndpoint,
    ) -> BoxHandler<RoleName>;

    /// The layer over whatever was chosen at run time.
    fn over_box(&self, inner: BoxHandler<RoleName>) -> BoxHandler<RoleName>;

    /// Promises of layers that this one cannot keep: the name of the check, and why. Such a check is
    /// skipped, and says so. Provided: there is none.
    fn cannot(&self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }
}

impl<L> LayerUnderTest for L
where
    L: Send + Sync,
    L: Layer<Probe, Service: ChoreoHandler<Role = RoleName, Endpoint = ProbeEndpoint> + 'static>,
    L: Layer<
            ReferenceHandler,
            Service: ChoreoHandler<Role = RoleName, Endpoint = ReferenceEndpoint> + 'static,
        >,
    L: Layer<
            BoxHandler<RoleName>,
            Service: ChoreoHandler<Role = RoleName, Endpoint = ()> + 'static,
        >,
{
    fn over_probe(&self, probe: Probe, endpoint: ProbeEndpoint) -> BoxHandler<RoleName> {
        probe.layer(self).bind(endpoint).boxed()
    }

    fn over_probe_by_tower(&self, probe: Probe, endpoint: ProbeEndpoint) -> BoxHandler<RoleName> {
        let stack = ServiceBuilder::new().layer(self).service(probe);
        stack.bind(endpoint).boxed()
    }

    fn over_reference(
        &self,
        _: &RoleName,
        handler: ReferenceHandler,
        endpoint: ReferenceEndpoint,
    ) -> BoxHandler<RoleName> {
        handler.layer(self).bind(endpoint).boxed()
    }

    fn over_box(&self, inner: BoxHandler<RoleName>) -> BoxHandler<RoleName> {
        inner.layer(self).boxed()
    }
}

/// The handler that a layer makes of the [`ReferenceHandler`], for the promises of a handler.
#[derive(Clone, Copy, Debug)]
pub struct Layered<L>(
    /// The layer.
    pub L,
);

/// Small, so that queues are soon full.
const QUEUE_BOUND: usize = 4;

#[async_trait]
impl<L: LayerUnderTest> HandlerFixture for Layered<L> {
    type Handler = BoxHandler<RoleName>;

    fn roles(&self) -> Vec<RoleName> {
        ["Alice", "Bob", "Carol"].map(RoleName::from).to_vec()
    }

    fn queue_bound(&self) -> usize {
        QUEUE_BOUND
    }

    async fn session(&self, roles: &[RoleName]) -> Result<Vec<(BoxHandler<RoleName>, ())>> {
        let members = roles.iter().zip(reference_session(roles, QUEUE_BOUND));
        let layered = members
            .map(|(role, (handler, endpoint))| self.0.over_reference(role, handler, endpoint));
        Ok(layered.map(|handler| (handler, ())).collect())
    }
}

//! From the text of a spec to the stacks of both roles.

use choreo::middleware::{MetricsHandle, MetricsSnapshot};
use choreo::plugin::{PluginKind, Registry, Site, StackSpec};
use choreo::{
    BoxHandler, ChoreoHandlerExt, Error, ErrorKind, InMemoryNetwork, Result, RoleId, RoleName,
    Typed, plugins,
};
use futures::FutureExt;

use crate::play::meet;
use crate::protocol::Role;
use crate::stack::Instruments;
use crate::{Failure, Options};

/// A stack that the page has as text, in JSON: Alice plays over it, and Bob over the same.
#[derive(Debug)]
pub struct Spec {
    registry: Registry,
    stack: StackSpec,
    description: String,
    alice: Site,
    bob: Site,
}

impl Spec {
    /// Reads the text.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config): what is wrong, with line and column.
    pub fn read(text: &str) -> Result<Self> {
        let registry = plugins::registry()?;
        let stack = StackSpec::from_json(text)?;
        // Built at a site of which nobody knows: what can be built can be described.
        let built = stack.build_with(&registry, &Site::new()).now_or_never();
        let built = built.unwrap_or_else(|| Err(refuse("its handler waits for something")))?;
        if built.role().as_str() != Role::Alice.name() {
            return Err(refuse(
                "role: expected Alice; Bob plays over the same stack",
            ));
        }
        Ok(Self {
            description: built.describe().to_owned(),
            registry,
            stack,
            alice: Site::new(),
            bob: Site::new(),
        })
    }

    /// What the stack is made of: `Trace<Retry<InMemory>>`.
    #[must_use]
    pub fn describe(&self) -> &str {
        &self.description
    }

    /// Whether a layer of that name is in it.
    pub(crate) fn has(&self, layer: &str) -> bool {
        let mut parts = self.stack.parts();
        parts.any(|(kind, part)| kind == PluginKind::Layer && part.name() == layer)
    }

    /// Runs the protocol as [`play`](crate::play()) does, over this stack.
    ///
    /// # Errors
    /// What stopped it.
    ///
    /// # Cancel safety
    /// When it is dropped both roles end.
    pub async fn play(
        &self,
        options: &Options,
        instruments: &Instruments,
    ) -> Result<String, Failure> {
        if options.trace {
            instruments.log.listen();
        }
        for site in [&self.alice, &self.bob] {
            site.put(instruments.recording.clone());
        }
        let alice = self.build(Role::Alice, options, instruments).await;
        // The network that her handler has made is his, too.
        if let Some(network) = self.alice.get::<InMemoryNetwork<RoleName>>() {
            self.bob.put(network);
        }
        let bob = self.build(Role::Bob, options, instruments).await;
        meet(|| alice, || bob, options).await
    }

    /// What Metrics has counted of a role so far; nothing where the stack has no such layer.
    #[must_use]
    pub fn counted(&self, role: Role) -> MetricsSnapshot {
        let handle: Option<MetricsHandle> = self.site(role).get();
        handle.unwrap_or_default().snapshot()
    }

    async fn build(
        &self,
        role: Role,
        options: &Options,
        instruments: &Instruments,
    ) -> Result<BoxHandler<Role>> {
        let stack = self.stack.clone().for_role(role.name());
        let stack = stack.build_with(&self.registry, self.site(role)).await?;
        let stack = Typed::new(stack);
        Ok(match options.pace {
            0 => stack.boxed(),
            _ => stack.layer(instruments.slow_motion.clone()).boxed(),
        })
    }

    fn site(&self, role: Role) -> &Site {
        match role {
            Role::Alice => &self.alice,
            Role::Bob => &self.bob,
        }
    }
}

fn refuse(why: &str) -> Error {
    Error::new(ErrorKind::Config, why)
}

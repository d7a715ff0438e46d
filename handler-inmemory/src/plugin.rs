use choreo_core::{Result, RoleName};
use choreo_plugin::{HandlerOptions, HandlerPlugin, Opened, Place, async_trait, options, register};

use crate::InMemoryNetwork;

/// The handler `inmemory`, for stacks by name.
///
/// It joins the `InMemoryNetwork<RoleName>` of the stack's site, and makes one where there is none,
/// of `capacity` payloads: roles whose stacks are built at one site speak to each other.
pub const PLUGIN: HandlerPlugin = HandlerPlugin::of::<InMemoryOptions>(
    "inmemory",
    "InMemory",
    "All roles in one process, over bounded queues.",
);

register!(PLUGIN);

options! {
    /// What the handler takes.
    struct InMemoryOptions {
        /// How many payloads wait between two roles, per direction, if this role is the first.
        capacity: u32 = 32,
    }
}

#[async_trait]
impl HandlerOptions for InMemoryOptions {
    const TAKES_CODEC: bool = true;

    async fn open(self, place: Place) -> Result<Opened> {
        let make = || InMemoryNetwork::<RoleName>::with_capacity(self.capacity as usize);
        let network = place.site().get_or_insert_with(make);
        let handler = network.join(place.role().clone())?;
        Ok(Opened::new(handler.with_codec(place.codec())))
    }
}

#[cfg(test)]
mod tests {
    use choreo_core::ChoreoHandlerExt;
    use choreo_plugin::{Part, Registry, Site, StackSpec};
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn the_default_is_that_of_the_network() {
        let default = InMemoryNetwork::<RoleName>::DEFAULT_CAPACITY;
        let shown = format!("\"default\":{default}}}");
        assert!(PLUGIN.plugin().schema().contains(&shown), "{shown}");
    }

    #[test]
    fn roles_of_one_site_speak_to_each_other() {
        let (registry, site) = (Registry::new().with(PLUGIN).unwrap(), Site::new());
        let part = || Part::new("inmemory").with("capacity", 7);
        block_on(async {
            let alice = StackSpec::new("Alice").handler(part());
            let alice = alice.build_with(&registry, &site).await.unwrap();
            let bob = StackSpec::new("Bob").handler(part());
            let bob = bob.build_with(&registry, &site).await.unwrap();
            alice.send(&(), "Bob".into(), &"ping").await.unwrap();
            assert_eq!(
                bob.recv::<String>(&(), "Alice".into()).await.unwrap(),
                "ping"
            );

            let network: InMemoryNetwork<RoleName> = site.get().unwrap();
            assert_eq!(network.capacity(), 7);
            assert_eq!(alice.describe(), "InMemory");
            alice.close().await.unwrap();
            let error = bob.recv::<String>(&(), "Alice".into()).await.unwrap_err();
            assert_eq!(error.kind(), choreo_core::ErrorKind::Closed);
        });
    }
}

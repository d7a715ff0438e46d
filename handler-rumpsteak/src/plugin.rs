use std::sync::Arc;

use choreo_core::{ChoreoHandlerExt, Error, ErrorKind, Result, RoleName, Transport};
use choreo_plugin::{
    HandlerOptions, HandlerPlugin, Opened, Place, Settings, async_trait, options, register,
};

use crate::{RumpsteakEndpoint, RumpsteakHandler};

/// The handler `rumpsteak`, for stacks by name: one peer over a bare transport, without a session.
/// A connection that breaks is not opened again.
pub const PLUGIN: HandlerPlugin = HandlerPlugin::of::<RumpsteakOptions>(
    "rumpsteak",
    "Rumpsteak",
    "One peer over a bare transport.",
);

register!(PLUGIN);

options! {
    /// What the handler takes.
    struct RumpsteakOptions {
        /// The role at the other end.
        peer: String,
    }
}

#[async_trait]
impl HandlerOptions for RumpsteakOptions {
    const OVER_TRANSPORT: bool = true;
    const TAKES_CODEC: bool = true;

    fn check(&self, settings: &Settings<'_>) -> Result<()> {
        if self.peer.is_empty() {
            return Err(settings.refuse("peer", "a role has a name"));
        }
        Ok(())
    }

    async fn open(self, place: Place) -> Result<Opened> {
        let peer = RoleName::from(self.peer);
        if peer == *place.role() {
            let detail = format!("handler.peer: {peer} does not speak to itself");
            return Err(Error::new(ErrorKind::Config, detail));
        }
        let transport: Arc<dyn Transport> = place.transport()?.connect().await?.into();
        let endpoint = RumpsteakEndpoint::new(place.role().clone()).with_codec(place.codec());
        endpoint.register_transport(peer, Arc::clone(&transport));
        let handler = RumpsteakHandler::new().bind(endpoint);
        Ok(Opened::new(handler).closing(move || async move { transport.close().await }))
    }
}

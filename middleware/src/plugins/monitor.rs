use choreo_core::{ChoreoHandlerExt, DynHandler, Error, ErrorKind, Result};
use choreo_plugin::{LayerOptions, LayerPlugin, Place, options, register};
use choreo_protocol::Global;

use crate::MonitorLayer;

impl MonitorLayer {
    /// The layer `monitor`, for stacks by name. It has no options.
    ///
    /// It holds the stack's role to its part in the protocol, a [`Global`] that the program has put
    /// at the stack's site.
    pub const PLUGIN: LayerPlugin = LayerPlugin::of::<MonitorOptions>(
        "monitor",
        "Monitor",
        "Holds the role to its part of a protocol.",
    );
}

register!(MonitorLayer::PLUGIN);

options! {
    /// What the layer takes.
    struct MonitorOptions {}
}

impl LayerOptions for MonitorOptions {
    fn layer(self, inner: DynHandler, place: &Place) -> Result<DynHandler> {
        let Some(protocol) = place.site().get::<Global>() else {
            return Err(Error::new(
                ErrorKind::Config,
                "the layer \"monitor\" knows no protocol: put a Global at the stack's site",
            ));
        };
        let local = protocol.project(place.role().as_str()).map_err(|fault| {
            let detail = format!(
                "the layer \"monitor\": {} has no part: {fault}",
                place.role()
            );
            Error::new(ErrorKind::Config, detail)
        })?;
        Ok(inner.layer(MonitorLayer::new(local)).boxed())
    }
}

use choreo_core::{ChoreoHandlerExt, DynHandler, Result};
use choreo_plugin::{LayerOptions, LayerPlugin, Place, options, register};

use crate::TraceLayer;

impl TraceLayer {
    /// The layer `trace`, for stacks by name. It has no options.
    pub const PLUGIN: LayerPlugin =
        LayerPlugin::of::<TraceOptions>("trace", "Trace", "Tells `tracing` about every operation.");
}

register!(TraceLayer::PLUGIN);

options! {
    /// What the layer takes.
    struct TraceOptions {}
}

impl LayerOptions for TraceOptions {
    fn layer(self, inner: DynHandler, place: &Place) -> Result<DynHandler> {
        Ok(inner.layer(TraceLayer::new(place.role().clone())).boxed())
    }
}

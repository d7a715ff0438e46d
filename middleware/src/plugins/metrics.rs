use choreo_core::{ChoreoHandlerExt, DynHandler, Result};
use choreo_plugin::{LayerOptions, LayerPlugin, Place, options, register};

use crate::MetricsLayer;

impl MetricsLayer {
    /// The layer `metrics`, for stacks by name: `time_every`.
    ///
    /// Each counts for itself, or with the `MetricsLayer` of the stack's site, if the program has
    /// put one there; its [`MetricsHandle`](crate::MetricsHandle) is at the site afterwards, in place
    /// of that of a layer before.
    pub const PLUGIN: LayerPlugin = LayerPlugin::of::<MetricsOptions>(
        "metrics",
        "Metrics",
        "Counts operations, bytes, errors and waits.",
    );
}

register!(MetricsLayer::PLUGIN);

options! {
    /// What the layer takes.
    struct MetricsOptions {
        /// Times each so many-th wait of a peer and kind of operation, besides the first 16: 1
        /// times all, 0 none.
        time_every: u32 = 64,
    }
}

impl LayerOptions for MetricsOptions {
    fn layer(self, inner: DynHandler, place: &Place) -> Result<DynHandler> {
        let own = || {
            let layer = MetricsLayer::new().time_every(self.time_every);
            #[cfg(feature = "metrics-facade")]
            let layer = layer.with_role(place.role().as_str());
            layer
        };
        let layer = place.site().get().unwrap_or_else(own);
        place.site().put(layer.handle());
        Ok(inner.layer(layer).boxed())
    }
}

use std::time::Duration;

use choreo_core::{ChoreoHandlerExt, DynHandler, Result};
use choreo_plugin::{LayerOptions, LayerPlugin, Place, options, register};

use crate::TimeoutLayer;

impl TimeoutLayer {
    /// The layer `timeout`, for stacks by name: `send` and `recv`.
    pub const PLUGIN: LayerPlugin = LayerPlugin::of::<TimeoutOptions>(
        "timeout",
        "Timeout",
        "Limits how long an operation may take.",
    );
}

register!(TimeoutLayer::PLUGIN);

options! {
    /// What the layer takes.
    struct TimeoutOptions {
        /// The limit for a send or a choice; none if it is left out.
        send: Option<Duration>,
        /// The limit for a receive or an offer; none if it is left out.
        recv: Option<Duration>,
    }
}

impl LayerOptions for TimeoutOptions {
    fn layer(self, inner: DynHandler, _: &Place) -> Result<DynHandler> {
        let mut layer = TimeoutLayer::default();
        if let Some(limit) = self.send {
            layer = layer.send(limit);
        }
        if let Some(limit) = self.recv {
            layer = layer.recv(limit);
        }
        Ok(inner.layer(layer).boxed())
    }
}

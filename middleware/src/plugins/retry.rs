use std::time::Duration;

use choreo_core::{ChoreoHandlerExt, DynHandler, Result};
use choreo_plugin::{LayerOptions, LayerPlugin, Place, options, register};

use crate::RetryLayer;

impl RetryLayer {
    /// The layer `retry`, for stacks by name: `retries`, `base_delay`, `max_delay`, `jitter` and
    /// `budget`.
    pub const PLUGIN: LayerPlugin = LayerPlugin::of::<RetryOptions>(
        "retry",
        "Retry",
        "Sends again what provably was not sent, after growing pauses.",
    );
}

register!(RetryLayer::PLUGIN);

options! {
    /// What the layer takes.
    struct RetryOptions {
        /// How often a send is repeated.
        retries: u32 = 3,
        /// The first pause; each further one is twice as long.
        base_delay: Duration = Duration::from_millis(100),
        /// The longest pause, before chance adds to it. 30 s, or the first where that is longer.
        max_delay: Option<Duration>,
        /// Whether chance adds to the pauses, up to as much again.
        jitter: bool = true,
        /// For how long after its first failure a send is repeated.
        budget: Option<Duration>,
    }
}

impl LayerOptions for RetryOptions {
    fn layer(self, inner: DynHandler, _: &Place) -> Result<DynHandler> {
        let mut layer = RetryLayer::new(self.retries as usize, self.base_delay).jitter(self.jitter);
        if let Some(max_delay) = self.max_delay {
            layer = layer.max_delay(max_delay);
        }
        if let Some(budget) = self.budget {
            layer = layer.budget(budget);
        }
        Ok(inner.layer(layer).boxed())
    }
}

use std::sync::Arc;
use std::time::Duration;

use choreo_core::{Connect, Result};
use choreo_plugin::{Place, Settings, TransportOptions, TransportPlugin, options, register};

use crate::Line;

/// The transport `unix-socket`, for stacks by name.
#[cfg(not(target_arch = "wasm32"))]
pub const PLUGIN: TransportPlugin = TransportPlugin::of::<LineOptions>(
    "unix-socket",
    "UnixSocket",
    "A Unix socket between two programs of one machine.",
);

/// The transport `broadcast-channel`, for stacks by name.
#[cfg(target_arch = "wasm32")]
pub const PLUGIN: TransportPlugin = TransportPlugin::of::<LineOptions>(
    "broadcast-channel",
    "BroadcastChannel",
    "A channel between two tabs or workers of one browser and site.",
);

register!(PLUGIN);

options! {
    /// What the transport takes.
    struct LineOptions {
        /// The path of the socket, or in browsers the name of the channel.
        address: String,
        /// Whether this side listens; the other one calls.
        listen: bool = false,
        /// How long it may take until the other side is there.
        patience: Duration = Duration::from_secs(10),
    }
}

impl TransportOptions for LineOptions {
    fn check(&self, settings: &Settings<'_>) -> Result<()> {
        if self.address.is_empty() {
            return Err(settings.refuse("address", "a line has an address"));
        }
        Ok(())
    }

    fn connector(self, _: &Place) -> Result<Arc<dyn Connect>> {
        let side = if self.listen {
            Line::listen
        } else {
            Line::call
        };
        Ok(Arc::new(side(&self.address, self.patience)))
    }
}

use choreo_core::{ChoreoHandlerExt, DynHandler, Result};
use choreo_plugin::{LayerOptions, LayerPlugin, Place, Secret, Settings, options, register};

use crate::{SealKey, SealLayer};

/// The layer `seal`, for stacks by name.
pub const PLUGIN: LayerPlugin = LayerPlugin::of::<SealOptions>(
    "seal",
    "Seal",
    "Nobody between two roles reads or changes what they say.",
);

register!(PLUGIN);

options! {
    /// What the layer takes.
    struct SealOptions {
        /// The key that all roles share: 64 hexadecimal digits.
        key: Secret,
        /// The name of the session, the same for all roles, and never used again.
        session: String,
    }
}

impl SealOptions {
    fn key(&self) -> Result<SealKey> {
        SealKey::from_hex(&self.key.reveal()?)
    }
}

impl LayerOptions for SealOptions {
    fn check(&self, settings: &Settings<'_>) -> Result<()> {
        let key = self.key();
        key.map(drop)
            .map_err(|error| settings.refuse("key", error.detail()))
    }

    fn layer(self, inner: DynHandler, place: &Place) -> Result<DynHandler> {
        let layer = SealLayer::new(&self.key()?, &self.session, place.role());
        Ok(inner.layer(layer).boxed())
    }
}

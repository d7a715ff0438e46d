use choreo_core::{ChoreoHandlerExt, DynHandler, Result};
use choreo_plugin::{LayerOptions, LayerPlugin, Place, options, register};

use crate::{RecordLayer, Recording};

impl RecordLayer {
    /// The layer `record`, for stacks by name. It has no options.
    ///
    /// It writes into the [`Recording`] of the stack's site, and puts one there if there is none.
    pub const PLUGIN: LayerPlugin = LayerPlugin::of::<RecordOptions>(
        "record",
        "Record",
        "Keeps every operation, for diagrams and replays.",
    );
}

register!(RecordLayer::PLUGIN);

options! {
    /// What the layer takes.
    struct RecordOptions {}
}

impl LayerOptions for RecordOptions {
    fn layer(self, inner: DynHandler, place: &Place) -> Result<DynHandler> {
        let recording = place.site().get_or_insert_with(Recording::new);
        let layer = RecordLayer::new(place.role().clone(), &recording);
        Ok(inner.layer(layer).boxed())
    }
}

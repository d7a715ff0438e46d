//! The command with a plug-in of one's own.

mod common;

use choreo::plugin::{LayerOptions, LayerPlugin, Place, options, register};
use choreo::{ChoreoHandler, ChoreoHandlerExt, DynHandler, Result, forward};
use common::{Scratch, choreo, refused};

struct Plain<H> {
    inner: H,
}

impl<H: ChoreoHandler> ChoreoHandler for Plain<H> {
    type Role = H::Role;
    type Endpoint = H::Endpoint;

    forward!(inner: send_payload, recv_payload, send_to_all, abandon);
}

options! {
    /// What the layer takes.
    struct PlainOptions {}
}

impl LayerOptions for PlainOptions {
    fn layer(self, inner: DynHandler, _: &Place) -> Result<DynHandler> {
        Ok(Plain { inner }.boxed())
    }
}

register!(LayerPlugin::of::<PlainOptions>(
    "plain",
    "Plain",
    "Changes nothing."
));

#[tokio::test]
async fn it_has_what_is_linked() {
    let text = "role = \"Alice\"\nhandler.use = \"inmemory\"\n[[layers]]\nuse = \"plain\"";
    let file = Scratch::new("toml", text);
    assert_eq!(choreo_command::run(["choreo", "check", file.path()]), 0);
    assert_eq!(choreo_command::run(["choreo", "plugins", "plain"]), 0);
    let told = refused(choreo(&["check", file.path()]).await, 1);
    assert!(told.contains("there is no layer \"plain\""), "{told}");
}

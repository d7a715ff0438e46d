//! Sealed, a handler is a handler: the whole suite of layers, natively and in browsers.

use choreo_core::RoleName;
use choreo_testkit::{layer_suite, per_role};
use custom_layer::{SealKey, SealLayer};

fn layer(role: &RoleName) -> SealLayer {
    let key = SealKey::from_hex(&"5e".repeat(32)).expect("64 digits");
    SealLayer::new(&key, "conformance", role)
}

layer_suite!(per_role(layer).cannot(
    "send_to_all_goes_through_as_one",
    "what is sealed for one role is not for another"
));

//! The parts by their names.

use choreo::Error;
use choreo::plugin::{Site, StackSpec};
use choreo::protocol::Global;
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// What the stack is made of.
///
/// # Errors
/// When it cannot be built.
#[wasm_bindgen]
pub async fn stack(text: String) -> Result<String, JsError> {
    let told = |error: Error| JsError::new(&error.to_string());
    #[cfg(feature = "from-json")]
    let spec = StackSpec::from_json(&text);
    #[cfg(all(feature = "from-toml", not(feature = "from-json")))]
    let spec = StackSpec::from_toml(&text);
    #[cfg(not(any(feature = "from-json", feature = "from-toml")))]
    let spec = Ok(StackSpec::new(&*text).transport(choreo::plugin::Part::new(&*text)));
    let site = Site::new();
    site.put(Global::new(&text));
    let registry = choreo::plugins::registry().map_err(told)?;
    let stack = spec.map_err(told)?.build_with(&registry, &site).await;
    Ok(stack.map_err(told)?.describe().to_owned())
}

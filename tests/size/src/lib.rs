//! A program for browsers that names a handler and no plug-in; and with features, one that has a stack of all
//! parts, in code or by their names: what that adds is to be seen.

#![deny(missing_docs)]

#[cfg(feature = "by-name")]
pub mod by_name;
#[cfg(all(feature = "parts", not(feature = "plugins")))]
pub mod in_code;

use choreo::prelude::*;
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// A message to a role in the same page, and what it got.
///
/// # Errors
/// When it does not arrive.
#[wasm_bindgen]
pub async fn greet(message: String) -> Result<String, JsError> {
    let network = InMemoryNetwork::<RoleName>::new();
    let told = |error: Error| JsError::new(&error.to_string());
    let alice = network.join("Alice".into()).map_err(told)?;
    let bob = network.join("Bob".into()).map_err(told)?;
    let sent = alice.send(&(), "Bob".into(), &message).await;
    sent.map_err(told)?;
    bob.recv(&(), "Alice".into()).await.map_err(told)
}

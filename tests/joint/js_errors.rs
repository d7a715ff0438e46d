//! Errors turn into JavaScript exceptions that say what they say in Rust.
#![cfg(target_arch = "wasm32")]

use choreo::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

async fn fails() -> Result<(), JsValue> {
    let alice = InMemoryHandler::new("Alice");
    drop(alice.network().join("Bob")?);
    let program = Program::new().send("Bob", 1_u32).end();
    interpret(&alice, &(), program).await?;
    Ok(())
}

#[wasm_bindgen_test]
async fn an_error_becomes_a_js_error_with_its_message() {
    let error = fails()
        .await
        .unwrap_err()
        .dyn_into::<js_sys::Error>()
        .unwrap();
    assert_eq!(
        String::from(error.message()),
        "Alice: send to Bob: step 1 (send to Bob): \
         the peer has left the session (its handler was dropped)"
    );
}

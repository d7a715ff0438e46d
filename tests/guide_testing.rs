//! "Testing in WASM" of the guide, as it stands there but for the crate's name: a test that runs in
//! a browser only.
#![cfg(target_arch = "wasm32")]
// The guide passes `&mut` where `&` would do.
#![allow(clippy::unnecessary_mut_passed)]

use choreo::{InMemoryHandler, Program, interpret};
use serde::{Deserialize, Serialize};
use wasm_bindgen_test::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Alice,
    Bob,
}

#[derive(Serialize, Deserialize)]
enum Message {
    Test,
}

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn test_protocol() {
    let mut handler = InMemoryHandler::new(Role::Alice);
    let program = Program::new().send(Role::Bob, Message::Test).end();
    let mut endpoint = ();
    let result = interpret(&mut handler, &mut endpoint, program).await;
    assert!(result.is_ok());
}

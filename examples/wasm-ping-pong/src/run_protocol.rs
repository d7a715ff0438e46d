use choreo::{ChoreoHandlerExt, InMemoryHandler, Program, interpret, runtime};
use wasm_bindgen::prelude::*;

use crate::protocol::{Message, Role, bob};

/// Sends a message as Alice and returns Bob's reply: the protocol without layers.
///
/// # Errors
/// A JavaScript `Error` when either of them fails.
#[wasm_bindgen]
pub async fn run_protocol(message: String) -> Result<String, JsValue> {
    let handler = InMemoryHandler::new(Role::Alice);
    let peer = handler.network().join(Role::Bob).map_err(JsError::from)?;
    let (handler, peer) = (handler.boxed(), peer.boxed());
    // Should Bob fail, he leaves, and Alice is told.
    runtime::spawn(async move { drop(bob(&peer, &(), 1).await) });

    let program = Program::new()
        .send(Role::Bob, Message::Ping(message))
        .recv::<Message>(Role::Bob)
        .end();

    let endpoint = ();
    let result = interpret(&handler, &endpoint, program)
        .await
        .map_err(JsError::from)?;

    match result.received_values.first() {
        Some(Message::Pong(response)) => Ok(response.clone()),
        _ => Err(JsError::new("Expected Pong message").into()),
    }
}

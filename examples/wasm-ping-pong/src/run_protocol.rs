use choreo::{ChoreoHandlerExt, Error, InMemoryHandler, Program, Result, interpret, runtime};
use wasm_bindgen::prelude::*;

use crate::promise::{Promise, promise};
use crate::protocol::{Message, Role, bob, reply};

/// Sends a message as Alice and returns Bob's reply: the protocol without layers.
///
/// # Errors
/// When either of them fails.
pub async fn run_protocol(message: String) -> Result<String> {
    let handler = InMemoryHandler::new(Role::Alice);
    let peer = handler.network().join(Role::Bob)?;
    let (handler, peer) = (handler.boxed(), peer.boxed());
    // Should Bob fail, he leaves, and Alice is told.
    runtime::spawn(async move { drop(bob(&peer, &(), 1).await) });

    let program = Program::new()
        .send(Role::Bob, Message::Ping(message))
        .recv::<Message>(Role::Bob)
        .end();

    let endpoint = ();
    let result = interpret(&handler, &endpoint, program).await?;
    reply(result.received_values)
}

/// [`run_protocol`] for JavaScript: `await run_protocol('hello')`.
#[must_use]
#[wasm_bindgen(js_name = run_protocol, unchecked_return_type = "Promise<string>")]
pub fn run_protocol_promise(message: String) -> Promise {
    promise(async {
        let reply = run_protocol(message).await;
        reply.map(Some).map_err(|error: Error| error.to_string())
    })
}

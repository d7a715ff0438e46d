//! "Using `RumpsteakHandler` in WASM" and "Custom Network Transport" of the guide, as they stand
//! there but for the crate's name, and with a message to send.

// The guide passes `&mut` where `&` would do.
#![allow(clippy::unnecessary_mut_passed)]

use std::time::Duration;

use choreo::middleware::{Retry, Trace};
use choreo::{
    BoxHandler, ChoreoHandlerExt, Program, RumpsteakEndpoint, RumpsteakHandler, RumpsteakSession,
    SimpleChannel, interpret,
};
use futures::channel::mpsc;
use serde::{Deserialize, Serialize};

#[cfg(not(target_arch = "wasm32"))]
use tokio::test;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Alice,
    Bob,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Message {
    Ping(String),
    Pong(String),
}

fn message() -> Message {
    Message::Ping("hello".into())
}

/// The function as it stands there, `wasm_bindgen` and its exception for an error included.
#[cfg(all(target_arch = "wasm32", feature = "wasm"))]
#[allow(unreachable_pub, unused_mut)]
mod in_a_browser {
    use super::*;
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen]
    pub async fn run_distributed_protocol() -> Result<(), JsValue> {
        let message = message();
        // Create endpoints
        let mut alice_ep = RumpsteakEndpoint::new(Role::Alice);
        let mut bob_ep = RumpsteakEndpoint::new(Role::Bob);
        // Option 1: use SimpleChannel (works natively and in WASM)
        let (alice_ch, bob_ch) = SimpleChannel::pair();
        alice_ep.register_channel(Role::Bob, alice_ch);
        bob_ep.register_channel(Role::Alice, bob_ch);
        // Option 2: wrap browser transports directly
        // let ws_session = RumpsteakSession::from_sink_stream(ws_writer, ws_reader);
        // alice_ep.register_session(Role::Bob, ws_session);
        // Create handler
        let mut handler = RumpsteakHandler::new();
        // Use with choreography operations
        handler.send(&mut alice_ep, Role::Bob, &message).await?;
        let response = handler.recv(&mut bob_ep, Role::Alice).await?;
        assert_eq!(message, response);
        Ok(())
    }

    #[super::test]
    async fn runs() {
        run_distributed_protocol().await.unwrap();
    }
}

/// "Option 1", where there is no JavaScript.
#[test]
async fn simple_channel() {
    let message = message();
    let mut alice_ep = RumpsteakEndpoint::new(Role::Alice);
    let mut bob_ep = RumpsteakEndpoint::new(Role::Bob);
    let (alice_ch, bob_ch) = SimpleChannel::pair();
    alice_ep.register_channel(Role::Bob, alice_ch);
    bob_ep.register_channel(Role::Alice, bob_ch);
    let handler = RumpsteakHandler::new();
    handler
        .send(&mut alice_ep, Role::Bob, &message)
        .await
        .unwrap();
    let response = handler.recv(&mut bob_ep, Role::Alice).await.unwrap();
    assert_eq!(message, response);
}

/// "Option 2", with channels in place of the two halves of a WebSocket: "Wrap this
/// `WebSocketHandler` with `RumpsteakSession::from_sink_stream` and register it on the endpoint
/// instead."
#[test]
async fn sink_and_stream() {
    let alice_ep = RumpsteakEndpoint::new(Role::Alice);
    let bob_ep = RumpsteakEndpoint::new(Role::Bob);
    let (ws_writer, incoming) = mpsc::channel::<Vec<u8>>(8);
    let (outgoing, ws_reader) = mpsc::channel::<Vec<u8>>(8);
    let ws_session = RumpsteakSession::from_sink_stream(ws_writer, ws_reader);
    alice_ep.register_session(Role::Bob, ws_session);
    bob_ep.register_session(
        Role::Alice,
        RumpsteakSession::from_sink_stream(outgoing, incoming),
    );

    let handler = RumpsteakHandler::new();
    let alice = Program::new()
        .send(Role::Bob, message())
        .recv::<Message>(Role::Bob)
        .end();
    let bob = async {
        let Message::Ping(text) = handler.recv(&bob_ep, Role::Alice).await? else {
            panic!("expected a ping")
        };
        let pong = Message::Pong(format!("{text} to you"));
        handler.send(&bob_ep, Role::Alice, &pong).await
    };
    let (result, answered) = futures::join!(interpret(&handler, &alice_ep, alice), bob);
    answered.unwrap();
    let pong = Message::Pong("hello to you".into());
    assert_eq!(result.unwrap().received_values, [pong]);
}

/// "This keeps the traits object-safe (needed for middleware stacks such as `Trace<Retry<H>>`)".
#[test]
async fn middleware_stacks() {
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    let alice_ep = RumpsteakEndpoint::new(Role::Alice);
    let bob_ep = RumpsteakEndpoint::new(Role::Bob);
    let (alice_ch, bob_ch) = SimpleChannel::pair();
    alice_ep.register_channel(Role::Bob, alice_ch);
    bob_ep.register_channel(Role::Alice, bob_ch);

    let retry = Retry::new(RumpsteakHandler::new(), 3, Duration::from_millis(100));
    let stack: Trace<Retry<RumpsteakHandler<Role>>> = Trace::new(retry, "Alice");
    let alice: BoxHandler<Role> = stack.bind(alice_ep).boxed();
    is_send(alice.send(&(), Role::Bob, &1_u32)).await.unwrap();
    let bob = RumpsteakHandler::new();
    let received: u32 = is_send(bob.recv(&bob_ep, Role::Alice)).await.unwrap();
    assert_eq!(received, 1);
}

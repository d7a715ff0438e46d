//! The snippets of the WASM guide, as they stand there but for the crate's name, and with somebody
//! playing Bob.

// The guide passes `&mut` where `&` would do.
#![allow(clippy::unnecessary_mut_passed)]

use std::time::Duration;

use choreo::middleware::{Retry, Trace};
use choreo::{ChoreoHandler, ChoreoHandlerExt, InMemoryHandler, Program, interpret};
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

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Message {
    Ping(String),
    Pong(String),
}

/// Bob, whom the guide leaves out: answers one ping.
async fn play_bob(bob: InMemoryHandler<Role>) {
    let ping = bob.recv::<Message>(&(), Role::Alice).await.unwrap();
    let Message::Ping(text) = ping else {
        panic!("expected a ping, got {ping:?}")
    };
    bob.send(&(), Role::Alice, &Message::Pong(format!("{text} to you")))
        .await
        .unwrap();
}

/// "Example Protocol".
#[cfg(target_arch = "wasm32")]
#[allow(unreachable_pub, clippy::uninlined_format_args)]
mod example_protocol {
    use super::*;
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen]
    pub async fn run_protocol(message: String) -> Result<String, JsValue> {
        let mut handler = InMemoryHandler::new(Role::Alice);
        choreo::runtime::spawn(play_bob(handler.network().join(Role::Bob).unwrap()));
        let program = Program::new()
            .send(Role::Bob, Message::Ping(message))
            .recv::<Message>(Role::Bob)
            .end();
        let mut endpoint = ();
        let result = interpret(&mut handler, &mut endpoint, program)
            .await
            .map_err(|e| JsValue::from_str(&format!("{:?}", e)))?;
        match result.received_values.first() {
            Some(Message::Pong(response)) => Ok(response.clone()),
            _ => Err(JsValue::from_str("Expected Pong message")),
        }
    }

    #[super::test]
    async fn answers() {
        assert_eq!(run_protocol("hello".into()).await.unwrap(), "hello to you");
    }
}

/// The same where there is no JavaScript.
#[test]
async fn example_protocol_natively() {
    let mut handler = InMemoryHandler::new(Role::Alice);
    let bob = handler.network().join(Role::Bob).unwrap();
    choreo::runtime::spawn(play_bob(bob));
    let program = Program::new()
        .send(Role::Bob, Message::Ping("hello".into()))
        .recv::<Message>(Role::Bob)
        .end();
    let mut endpoint = ();
    let result = interpret(&mut handler, &mut endpoint, program)
        .await
        .unwrap();
    match result.received_values.first() {
        Some(Message::Pong(response)) => assert_eq!(response, "hello to you"),
        other => panic!("expected a pong, got {other:?}"),
    }
}

/// "Async traits in WASM": stacks, object safety, and futures that are `Send`.
#[test]
async fn handler_traits_are_object_safe_and_their_futures_send() {
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    let inner = InMemoryHandler::new(Role::Alice);
    let bob = inner.network().join(Role::Bob).unwrap();
    let stack: Trace<Retry<InMemoryHandler<Role>>> =
        Trace::new(Retry::new(inner, 3, Duration::from_millis(100)), "Alice");
    let boxed: Box<dyn ChoreoHandler<Role = Role, Endpoint = ()>> = Box::new(stack);

    is_send(boxed.send(&(), Role::Bob, &1_u32)).await.unwrap();
    assert_eq!(is_send(bob.recv::<u32>(&(), Role::Alice)).await.unwrap(), 1);
    let program = Program::new().send(Role::Bob, 2_u32).end();
    is_send(interpret(&boxed, &(), program)).await.unwrap();
}

/// "Platform Differences".
#[test]
async fn spawn_works_natively_and_on_wasm() {
    use choreo::runtime::{spawn, spawn_local};

    let (done, is_done) = futures::channel::oneshot::channel();
    spawn(async { done.send(()).unwrap() }); // Works on native and WASM
    is_done.await.unwrap();

    let local = async {
        let (done, is_done) = futures::channel::oneshot::channel();
        let not_send = std::rc::Rc::new(());
        spawn_local(async move {
            drop(not_send);
            done.send(()).unwrap();
        });
        is_done.await.unwrap();
    };
    #[cfg(not(target_arch = "wasm32"))]
    tokio::task::LocalSet::new().run_until(local).await;
    #[cfg(target_arch = "wasm32")]
    local.await;
}

/// "Timeouts use conditional compilation ... The library handles this automatically."
#[test]
async fn one_timeout_for_both_platforms() {
    let handler = InMemoryHandler::new(Role::Alice);
    let duration = Duration::from_millis(20);
    #[cfg(not(target_arch = "wasm32"))]
    {
        let future = handler.recv::<u32>(&(), Role::Bob);
        assert!(tokio::time::timeout(duration, future).await.is_err());
    }
    let future = handler.recv::<u32>(&(), Role::Bob);
    assert!(choreo::runtime::timeout(duration, future).await.is_err());
}

//! What the tests share.
#![allow(dead_code, unused_macros)]

use std::future::pending;

use choreo_core::{
    ChoreoHandler, Codec, Error, ErrorKind, Incoming, Outgoing, Result, async_trait,
};
use choreo_handler_inmemory::{InMemoryHandler, InMemoryNetwork};

pub(crate) const ALICE: &str = "Alice";
pub(crate) const BOB: &str = "Bob";
pub(crate) const CAROL: &str = "Carol";

/// Tests that run natively and on wasm.
macro_rules! tests {
    ($($(#[$meta:meta])* async fn $name:ident() $body:block)+) => {$(
        $(#[$meta])*
        #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
        #[cfg_attr(not(target_arch = "wasm32"), tokio::test)]
        async fn $name() $body
    )+};
}

/// The handlers of Alice and Bob.
pub(crate) fn pair() -> (InMemoryHandler<&'static str>, InMemoryHandler<&'static str>) {
    let network = InMemoryNetwork::new();
    let alice = network.join(ALICE).expect("free");
    (alice, network.join(BOB).expect("free"))
}

/// An error of a send that did not get away.
pub(crate) fn unsent() -> Error {
    Error::new(ErrorKind::Transport, "no network").transient()
}

/// A handler whose peers never take or send anything.
pub(crate) struct Stuck;

#[async_trait]
impl ChoreoHandler for Stuck {
    type Role = &'static str;
    type Endpoint = ();

    async fn send_payload(&self, _: &(), _: &&'static str, payload: Outgoing<'_>) -> Result<()> {
        payload.to_incoming(Codec::default())?;
        pending().await
    }

    async fn recv_payload(&self, _: &(), _: &&'static str) -> Result<Incoming> {
        pending().await
    }
}

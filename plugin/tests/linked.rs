//! A crate that is linked, though nothing in it is named, is registered: natively, and on wasm
//! wherever `wasm-bindgen` loads the module.
#![cfg(feature = "discover")]

use choreo_handler_inmemory as _;
use choreo_plugin::{Part, Plugin, Registry, StackSpec};

#[cfg(not(target_arch = "wasm32"))]
use tokio::test;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
async fn what_is_linked_is_registered() {
    let spec = StackSpec::new("Alice").handler(Part::new("inmemory"));
    let stack = spec.build().await.expect("the handler is there");
    assert_eq!(stack.describe(), "InMemory");
}

#[test]
async fn what_is_registered_is_there_once() {
    let names = |registry: &Registry| -> Vec<_> { registry.iter().map(Plugin::name).collect() };
    let registry = Registry::discovered().expect("names are told apart");
    assert_eq!(names(&registry), ["inmemory", "postcard"]);
    let plugin = *registry.handler("inmemory").expect("it is there");
    let registry = registry.with(plugin).expect("it is the same");
    assert_eq!(names(&registry), ["inmemory", "postcard"]);
}

//! A crate that is linked, though nothing in it is named, is registered.

use choreo_handler_inmemory as _;
use choreo_plugin::{Part, StackSpec};

#[test]
fn what_is_linked_is_registered() {
    let spec = StackSpec::new("Alice").handler(Part::new("inmemory"));
    let stack = futures::executor::block_on(spec.build()).expect("the handler is there");
    assert_eq!(stack.describe(), "InMemory");
}

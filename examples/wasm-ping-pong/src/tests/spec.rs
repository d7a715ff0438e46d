//! The protocol over the stack of a spec.

use crate::protocol::Role;
use crate::stack::Instruments;
use crate::{Failure, Options, Spec};
use wasm_bindgen_test::wasm_bindgen_test;

const ALL: &str = r#"{
  "role": "Alice",
  "handler": { "use": "inmemory" },
  "layers": [
    { "use": "fault-injection", "seed": 7, "before_send": 0.5 },
    { "use": "record" },
    { "use": "retry", "retries": 9, "base_delay": "1ms", "jitter": false },
    { "use": "timeout", "send": "1min" },
    { "use": "metrics", "time_every": 1 },
    { "use": "trace" }
  ]
}"#;

async fn run(text: &str) -> (Spec, Instruments, Result<String, Failure>) {
    let options = Options {
        rounds: 3,
        ..Options::new("hello")
    };
    let (spec, instruments) = (Spec::read(text).unwrap(), Instruments::new(&options));
    let reply = spec.play(&options, &instruments).await;
    (spec, instruments, reply)
}

/// What is wrong with a spec of these layers.
fn refused(layers: &str) -> String {
    let text = format!(r#"{{"role":"Alice","handler":{{"use":"inmemory"}},"layers":[{layers}]}}"#);
    Spec::read(&text).unwrap_err().detail().to_owned()
}

#[wasm_bindgen_test(unsupported = tokio::test)]
async fn both_roles_play_over_the_stack_of_the_text() {
    let (spec, instruments, reply) = run(ALL).await;
    assert_eq!(reply.as_deref(), Ok("Bob heard: hello"));
    assert_eq!(
        spec.describe(),
        "Trace<Metrics<Timeout<Retry<Record<FaultInjection<InMemory>>>>>>"
    );
    assert_eq!(
        spec.counted(Role::Alice)
            .total(choreo::Operation::Send)
            .count,
        3
    );
    assert_eq!(
        spec.counted(Role::Bob).total(choreo::Operation::Recv).count,
        3
    );
    let attempts = instruments.recording.len();
    assert!(attempts > 12, "{attempts} operations, so nothing failed");
}

#[wasm_bindgen_test(unsupported = tokio::test)]
async fn a_bare_handler_is_a_stack() {
    let text = r#"{"role":"Alice","handler":{"use":"inmemory","capacity":4294967295}}"#;
    let (spec, instruments, reply) = run(text).await;
    assert_eq!(reply.as_deref(), Ok("Bob heard: hello"));
    assert_eq!(spec.describe(), "InMemory");
    assert_eq!(instruments.recording.len(), 0);
    assert!(spec.counted(Role::Alice).peers.is_empty());
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    // What else there is depends on what else is built.
    let error = refused(r#"{"use":"trase"}"#);
    assert!(
        error.starts_with("JSON:1:63: layers[0]: there is no layer \"trase\"; there are: ")
            && error.ends_with(", trace (did you mean \"trace\"?)"),
        "{error}"
    );
    let error = refused(r#"{"use":"retry","retries":"three"}"#);
    assert!(
        error.starts_with("JSON:1:81: layers[0].retries: expected a whole"),
        "{error}"
    );
    let bob = r#"{"role":"Bob","handler":{"use":"inmemory"}}"#;
    let error = Spec::read(bob).unwrap_err();
    assert!(
        error.detail().starts_with("role: expected Alice"),
        "{error}"
    );
}

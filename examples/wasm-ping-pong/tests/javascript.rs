//! What JavaScript sees. In Node, in a window and in a worker alike.
#![cfg(target_arch = "wasm32")]

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;
use wasm_ping_pong::{Run, RunOptions, run_protocol, stack_type};

fn options(fields: &[(&str, JsValue)]) -> RunOptions {
    let object = Object::new();
    for (name, value) in fields {
        Reflect::set(&object, &(*name).into(), value).unwrap();
    }
    object.unchecked_into()
}

fn field(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap()
}

fn text(object: &JsValue, name: &str) -> String {
    field(object, name).as_string().unwrap_or_default()
}

#[wasm_bindgen_test]
async fn run_protocol_returns_the_reply() {
    let reply = run_protocol("hello".to_owned()).await.unwrap();
    assert_eq!(reply, "Bob heard: hello");
}

#[wasm_bindgen_test]
async fn a_run_gives_all_that_the_page_shows() {
    let run = Run::new(&options(&[
        ("message", "hello".into()),
        ("rounds", 2.into()),
        ("trace", true.into()),
        ("metrics", true.into()),
    ]))
    .unwrap();
    let before = run.version();
    assert_eq!(
        run.start().await.unwrap().as_deref(),
        Some("Bob heard: hello")
    );

    assert!(run.version() > before);
    assert_eq!(run.stack(), "Trace<Metrics<Record<InMemoryHandler>>>");
    assert!(run.svg().starts_with("<svg"));
    assert!(run.mermaid().starts_with("sequenceDiagram"));
    let log = run.trace_after(0).unwrap();
    assert_eq!(log.lines().count(), 8);
    let rest = run.trace_after(3).unwrap();
    assert!(log.ends_with(&rest) && rest.lines().count() == 5, "{rest}");
    let counters: Array = run.counters().unwrap().into_iter().collect();
    assert_eq!(counters.length(), 4);
    assert_eq!(text(&counters.get(0), "role"), "Alice");
    assert_eq!(field(&counters.get(0), "count"), 2);
}

#[wasm_bindgen_test]
async fn what_is_not_ticked_is_undefined() {
    let run = Run::new(&options(&[("message", "hello".into())])).unwrap();
    run.start().await.unwrap();
    assert!(run.trace_after(0).is_none());
    assert!(run.counters().is_none());
}

#[wasm_bindgen_test]
async fn a_run_can_be_stopped_and_starts_once() {
    let run = Run::new(&options(&[
        ("message", "hello".into()),
        ("pace", 10_000.into()),
    ]))
    .unwrap();
    let stop = async { run.stop() };
    let (ended, ()) = futures::join!(run.start(), stop);
    assert_eq!(ended.unwrap(), None);
    let again = run.start().await.unwrap_err();
    assert!(text(&again, "message").contains("started already"));
}

#[wasm_bindgen_test]
async fn failures_are_exceptions_in_words() {
    let run = Run::new(&options(&[
        ("message", "hello".into()),
        ("faults", true.into()),
        ("rate", 100.into()),
    ]))
    .unwrap();
    let error = run.start().await.unwrap_err();
    assert!(error.is_instance_of::<js_sys::Error>());
    assert!(text(&error, "message").starts_with("Alice could not send to Bob"));
    assert!(text(&error, "advice").starts_with("Tick Retry"));
    assert!(text(&error, "detail").contains("fault injected"));
}

#[wasm_bindgen_test]
fn options_out_of_range_name_their_field() {
    let message = ("message", JsValue::from("hello"));
    let faults = ("faults", JsValue::TRUE);
    let bad = [
        ("message", vec![("message", "".into())]),
        ("message", vec![("message", "x".repeat(201).into())]),
        ("rounds", vec![message.clone(), ("rounds", 0.into())]),
        ("rounds", vec![message.clone(), ("rounds", f64::NAN.into())]),
        (
            "fault-seed",
            vec![message.clone(), faults.clone(), ("seed", 1.5.into())],
        ),
        (
            "fault-rate",
            vec![message.clone(), faults.clone(), ("rate", 101.into())],
        ),
        (
            "fault-rate",
            vec![message.clone(), faults, ("rate", f64::NAN.into())],
        ),
        ("slow", vec![message, ("pace", (-1).into())]),
    ];
    for (name, fields) in bad {
        let error = Run::new(&options(&fields)).err().expect(name);
        assert_eq!(text(&error, "field"), name);
        assert!(!text(&error, "advice").is_empty());
    }
}

#[wasm_bindgen_test]
fn the_stack_is_named_while_numbers_are_being_typed() {
    let options = options(&[
        ("retry", true.into()),
        ("faults", true.into()),
        ("rate", f64::NAN.into()),
        ("pace", 250.into()),
    ]);
    let expected = "SlowMotion<Retry<Record<FaultInjection<InMemoryHandler>>>>";
    assert_eq!(stack_type(&options), expected);
}

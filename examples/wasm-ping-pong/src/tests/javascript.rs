//! What JavaScript sees. In Node, in a window and in a worker alike.

use crate::{Promise, Run, run_protocol};
use js_sys::Error;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

const TRACE: u8 = 1;
const METRICS: u8 = 2;
const FAULTS: u8 = 8;

/// A run of "hello" at full speed, in which all sends fail where there are faults.
fn run(rounds: u32, layers: u8) -> Run {
    Run::new("hello".to_owned(), rounds, layers, 0, 2_000, 7, 100.0)
}

async fn settled(promise: Promise) -> Result<JsValue, JsValue> {
    JsFuture::from(promise.unchecked_into::<js_sys::Promise>()).await
}

async fn reply(promise: Promise) -> Option<String> {
    settled(promise).await.unwrap().as_string()
}

async fn error(promise: Promise) -> String {
    let error: Error = settled(promise).await.unwrap_err().unchecked_into();
    error.message().into()
}

#[wasm_bindgen_test]
async fn run_protocol_returns_the_reply() {
    let reply = run_protocol("hello".to_owned()).await.unwrap();
    assert_eq!(reply, "Bob heard: hello");
}

#[wasm_bindgen_test]
async fn a_run_gives_all_that_the_page_shows() {
    let run = run(2, TRACE | METRICS);
    let before = run.version();
    assert_eq!(
        reply(run.start()).await.as_deref(),
        Some("Bob heard: hello")
    );

    assert!(run.version() > before);
    assert!(run.svg().starts_with("<svg"));
    assert!(run.mermaid().starts_with("sequenceDiagram"));
    assert_eq!(run.take_trace().lines().count(), 8);
    assert!(run.take_trace().is_empty());
    let counters = run.counters();
    let [alice_sends, .., bob_receives] = counters.as_chunks::<5>().0 else {
        panic!("{counters:?}");
    };
    assert_eq!(counters.len(), 20);
    assert_eq!(alice_sends[..2], [2.0, 0.0]);
    assert_eq!(alice_sends[..3], bob_receives[..3]);
    assert!(alice_sends[2] > 0.0, "{counters:?}");
}

#[wasm_bindgen_test]
async fn what_is_not_ticked_says_nothing() {
    let run = run(1, 0);
    reply(run.start()).await;
    assert_eq!(run.take_trace(), "");
    assert_eq!(run.counters(), [0.0; 20]);
}

#[wasm_bindgen_test]
async fn a_run_can_be_stopped_and_starts_once() {
    let run = Run::new("hello".to_owned(), 1, 0, 10_000, 0, 0, 0.0);
    let stop = async { run.stop() };
    let (ended, ()) = futures::join!(reply(run.start()), stop);
    assert_eq!(ended, None);
    assert!(error(run.start()).await.contains("started already"));
}

#[wasm_bindgen_test]
async fn failures_are_exceptions_in_words() {
    let error = error(run(1, FAULTS).start()).await;
    let lines: Vec<&str> = error.lines().collect();
    assert!(
        lines[0].starts_with("Alice could not send to Bob"),
        "{error}"
    );
    assert!(lines[1].starts_with("Tick Retry"), "{error}");
    assert!(lines[2].contains("fault injected"), "{error}");
}

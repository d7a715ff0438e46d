//! The guide's way to limit time on wasm, with the crate that it names, in a window.
#![cfg(all(target_arch = "wasm32", feature = "wasm-timer"))]

use std::time::Duration;

use choreo_core::runtime::{Instant, sleep};
use futures::FutureExt;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use wasm_timer::Delay;

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Debug, PartialEq)]
struct Timeout;

#[wasm_bindgen_test]
async fn the_guides_select_with_a_delay() {
    let duration = Duration::from_millis(20);
    let mut future = std::future::pending::<Result<(), Timeout>>();
    let limited = futures::select! {
        result = (&mut future).fuse() => result,
        _ = Delay::new(duration).fuse() => Err(Timeout),
    };
    assert_eq!(limited, Err(Timeout));
}

#[wasm_bindgen_test]
async fn the_runtime_sleeps_on_it() {
    let start = Instant::now();
    sleep(Duration::from_millis(20)).await;
    // Its clock and the browser's differ by less than a millisecond.
    assert!(
        start.elapsed() >= Duration::from_millis(19),
        "{:?}",
        start.elapsed()
    );
}

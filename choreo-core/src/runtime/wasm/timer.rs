use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use wasm_bindgen::prelude::*;

use super::callback;

/// One `setTimeout`, from now on; dropping it clears it.
pub(super) struct Timer {
    /// Node has objects for them, which stand for their number.
    number: f64,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    fired: AtomicBool,
    waker: AtomicWaker,
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: JsValue, millis: i32) -> f64;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(number: f64);
}

impl Timer {
    pub(super) fn new(millis: i32) -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let fire = callback(Box::new(move || {
            theirs.fired.store(true, Ordering::Relaxed);
            theirs.waker.wake();
        }));
        Self {
            number: set_timeout(fire, millis),
            shared,
        }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.shared.waker.register(context.waker());
        if self.shared.fired.load(Ordering::Relaxed) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(self.number);
    }
}

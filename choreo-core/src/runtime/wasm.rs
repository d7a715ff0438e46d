//! The few functions of browsers that this takes are bound by hand: `js-sys`, and whatever builds on
//! it (`wasm-bindgen-futures`, `gloo-timers`, `web-time`), adds a tenth to a small module.

use std::future::Future;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use wasm_bindgen::prelude::*;

mod instant;
mod tasks;
#[cfg(not(feature = "wasm-timer"))]
mod timer;

pub use instant::Instant;
pub(super) use tasks::spawn_local;

pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    spawn_local(task);
}

pub(super) fn random() -> f64 {
    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_namespace = Math)]
        fn random() -> f64;
    }
    random()
}

#[cfg(not(feature = "wasm-timer"))]
pub(super) async fn sleep(duration: Duration) {
    /// The longest time that `setTimeout` takes, in milliseconds.
    const LONGEST: u64 = i32::MAX as u64;
    let start = Instant::now();
    let mut left = duration;
    loop {
        let begun = left.subsec_nanos().div_ceil(1_000_000);
        let millis = left
            .as_secs()
            .saturating_mul(1_000)
            .saturating_add(begun.into());
        timer::Timer::new(millis.min(LONGEST) as i32).await;
        // Node's timers may fire a part of a millisecond early.
        left = duration.saturating_sub(start.elapsed());
        if left.is_zero() {
            return;
        }
    }
}

/// Its timer is not `Send`: a local task owns it, and drops it when nobody waits any more.
#[cfg(feature = "wasm-timer")]
pub(super) async fn sleep(duration: Duration) {
    // Named so that its feature `wasm-bindgen` is on; without it the module does not load.
    use ::instant as _;

    let (mut elapsed, waiting) = futures::channel::oneshot::channel();
    spawn_local(async move {
        let forgotten = std::pin::pin!(elapsed.cancellation());
        futures::future::select(wasm_timer::Delay::new(duration), forgotten).await;
        let _ = elapsed.send(());
    });
    let _ = waiting.await;
}

/// The hasher of `std` is several times larger, and who could slow a page down by collisions is the
/// page itself.
pub(crate) type RoleHasher = BuildHasherDefault<Fnv>;

/// FNV-1a, whose upper bits are the good ones.
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A function of JavaScript's that runs this, and is its garbage when it is no longer used.
fn callback(run: Box<dyn FnMut()>) -> JsValue {
    Closure::wrap(run).into_js_value()
}

#[cfg(feature = "wasm")]
mod js {
    use wasm_bindgen::JsValue;

    use crate::{Error, InterpretError};

    /// A JS `Error` with the message and its sources, so that `?` works in a function that
    /// returns `Result<_, JsValue>`.
    impl From<Error> for JsValue {
        fn from(error: Error) -> Self {
            wasm_bindgen::JsError::new(&error.report()).into()
        }
    }

    impl<M> From<InterpretError<M>> for JsValue {
        fn from(failed: InterpretError<M>) -> Self {
            failed.error.into()
        }
    }
}

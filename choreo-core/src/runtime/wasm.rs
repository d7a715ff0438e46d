use std::future::{Future, poll_fn};
use std::hash::{BuildHasherDefault, Hasher};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot::{self, Receiver};

pub(super) use web_time::Instant;

pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    spawn_local(task);
}

pub(super) fn spawn_local(task: impl Future<Output = ()> + 'static) {
    let task: Pin<Box<dyn Future<Output = ()>>> = Box::pin(task);
    wasm_bindgen_futures::spawn_local(task);
}

pub(super) fn now() -> Instant {
    Instant::now()
}

pub(super) fn random() -> f64 {
    js_sys::Math::random()
}

/// A timer is a JS value and so cannot be `Send`: a local task owns it, and drops it (which
/// clears it) when nobody waits any more.
pub(super) enum Sleep {
    /// It starts when it is polled.
    Due(Duration),
    Started(Receiver<()>),
}

pub(super) fn sleep(duration: Duration) -> Sleep {
    Sleep::Due(duration)
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut *self {
                Self::Due(duration) => *self = Self::Started(start(*duration)),
                Self::Started(waiting) => return waiting.poll_unpin(context).map(drop),
            }
        }
    }
}

/// Starts a timer, and tells when it has rung.
fn start(duration: Duration) -> Receiver<()> {
    let (mut elapsed, waiting) = oneshot::channel();
    spawn_local(async move {
        let mut timer = pin!(timer(duration));
        poll_fn(|context| {
            let forgotten = elapsed.poll_canceled(context);
            if forgotten.is_ready() {
                forgotten
            } else {
                timer.as_mut().poll(context)
            }
        })
        .await;
        let _ = elapsed.send(());
    });
    waiting
}

#[cfg(not(feature = "wasm-timer"))]
async fn timer(duration: Duration) {
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
        gloo_timers::future::TimeoutFuture::new(millis.min(LONGEST) as u32).await;
        // Node's timers may fire a part of a millisecond early.
        left = duration.saturating_sub(start.elapsed());
        if left.is_zero() {
            return;
        }
    }
}

#[cfg(feature = "wasm-timer")]
async fn timer(duration: Duration) {
    // Named so that its feature `wasm-bindgen` is on; without it the module does not load.
    use instant as _;
    let _ = wasm_timer::Delay::new(duration).await;
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

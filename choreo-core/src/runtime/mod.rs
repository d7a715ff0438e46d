//! Tasks and time, the same on every platform: tokio natively, the browser's (or Node's) event
//! loop on `wasm32-unknown-unknown`.
//!
//! | | native | wasm | wasm, feature `wasm-timer` |
//! |---|---|---|---|
//! | [`spawn`], [`spawn_local`] | tokio | wasm-bindgen-futures | wasm-bindgen-futures |
//! | [`sleep`], [`timeout`] | tokio | gloo-timers | wasm-timer (windows only) |
//! | [`Instant`] | `std::time` | web-time | web-time |
//!
//! With the feature `virtual-time` all of it can be put under the rule of a simulation, on its thread:
//! `in_virtual_time`.
//!
//! All futures are `Send` on every platform.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::{Error, ErrorKind};

mod instant;
#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(feature = "virtual-time")]
mod virtual_time;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
use native as platform;
#[cfg(target_arch = "wasm32")]
use wasm as platform;

/// Who keeps the time: the platform, unless a simulation may stand in for it.
#[cfg(not(feature = "virtual-time"))]
use platform as keeper;
#[cfg(feature = "virtual-time")]
use virtual_time as keeper;

pub use instant::Instant;
#[cfg(feature = "virtual-time")]
pub use virtual_time::{VirtualTime, in_virtual_time};

/// Hashes roles; natively so that nobody can look for collisions.
pub(crate) use platform::RoleHasher;

/// Runs a task in the background.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use choreo_core::runtime;
///
/// let (done, result) = futures::channel::oneshot::channel();
/// runtime::spawn(async { done.send(42).unwrap() });
/// assert_eq!(result.await, Ok(42));
/// # }
/// ```
///
/// # Panics
/// Natively outside of a tokio runtime.
pub fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    keeper::spawn(task);
}

/// Runs a task that is not `Send` in the background, on this thread.
///
/// # Panics
/// Natively outside of a tokio `LocalSet`.
pub fn spawn_local(task: impl Future<Output = ()> + 'static) {
    keeper::spawn_local(task);
}

/// Waits for a duration, to the millisecond.
///
/// Background tabs of browsers may wake no more than once a second, or once a minute.
///
/// # Panics
/// Natively outside of a tokio runtime, when polled.
pub fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
    keeper::sleep(duration)
}

/// A random number, from 0 to less than 1. Not for secrets.
#[must_use]
pub fn random() -> f64 {
    keeper::random()
}

/// Lets other tasks run.
pub async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Runs a future within a time limit. A future that is ready at once wins over any limit.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use choreo_core::runtime;
/// use std::time::Duration;
///
/// let limit = Duration::from_millis(5);
/// assert_eq!(runtime::timeout(limit, async { 42 }).await.unwrap(), 42);
/// assert!(runtime::timeout(limit, std::future::pending::<()>()).await.is_err());
/// # }
/// ```
///
/// # Errors
/// [`Elapsed`] when the limit passes first; the future is then dropped.
///
/// # Panics
/// As [`sleep`].
pub async fn timeout<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    let (mut future, mut elapsed) = (pin!(future), pin!(sleep(limit)));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Ok(output)),
        Poll::Pending => elapsed
            .as_mut()
            .poll(context)
            .map(|()| Err(Elapsed { limit })),
    })
    .await
}

/// A time limit has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not done within {}", Millis(*.limit))]
pub struct Elapsed {
    limit: Duration,
}

impl Elapsed {
    /// The limit.
    #[must_use]
    pub fn limit(self) -> Duration {
        self.limit
    }
}

/// Shows a duration in milliseconds, by far smaller code than `Duration`'s own `Debug`.
pub(crate) struct Millis(pub(crate) Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_secs().saturating_mul(1_000);
        let millis = millis.saturating_add(self.0.subsec_millis().into());
        match self.0.subsec_micros() % 1_000 {
            0 => write!(f, "{millis} ms"),
            micros => write!(f, "{millis}.{micros:03} ms"),
        }
    }
}

impl From<Elapsed> for Error {
    fn from(elapsed: Elapsed) -> Self {
        Self::new(ErrorKind::Timeout, elapsed.to_string())
    }
}

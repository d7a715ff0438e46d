use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

use futures::future::LocalBoxFuture;

use super::platform::{self, Instant};
use crate::BoxFuture;

/// Keeps the time, runs the tasks and throws the dice of a thread, in the place of the platform.
///
/// Simulations implement it. Within [`in_virtual_time`] all of [`runtime`](super) asks it, so whole
/// stacks run in its time, whatever layers they have.
///
/// ```
/// use choreo_core::BoxFuture;
/// use choreo_core::runtime::{self, Instant, VirtualTime, in_virtual_time};
/// use futures::future::LocalBoxFuture;
/// use futures::FutureExt;
/// use std::cell::Cell;
/// use std::rc::Rc;
/// use std::time::Duration;
///
/// /// No sleep takes long, and time passes all the same.
/// #[derive(Default)]
/// struct Leap(Rc<Cell<Duration>>);
///
/// impl VirtualTime for Leap {
///     fn elapsed(&self) -> Duration {
///         self.0.get()
///     }
///
///     fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
///         self.0.set(self.0.get() + duration);
///         Box::pin(async {})
///     }
///
///     fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
///         task.now_or_never();
///     }
///
///     fn random(&self) -> f64 {
///         0.5
///     }
/// }
///
/// in_virtual_time(Rc::new(Leap::default()), || {
///     let start = Instant::now();
///     runtime::sleep(Duration::from_secs(3_600)).now_or_never().unwrap();
///     assert_eq!(start.elapsed(), Duration::from_secs(3_600));
/// });
/// ```
pub trait VirtualTime {
    /// How much virtual time has passed since the simulation began.
    fn elapsed(&self) -> Duration;

    /// Waits for so much virtual time.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Runs a task in the background, on this thread.
    fn spawn(&self, task: LocalBoxFuture<'static, ()>);

    /// A random number, from 0 to less than 1.
    fn random(&self) -> f64;
}

/// Runs something, with the [`runtime`](super) of this thread in other hands meanwhile.
///
/// Within another virtual time this one counts, until it is over.
pub fn in_virtual_time<T>(time: Rc<dyn VirtualTime>, run: impl FnOnce() -> T) -> T {
    /// Puts back what was there before, also after a panic.
    struct Before(Option<Rc<dyn VirtualTime>>);

    impl Drop for Before {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }

    let _before = Before(CURRENT.replace(Some(time)));
    run()
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<dyn VirtualTime>>> = const { RefCell::new(None) };
}

/// Who keeps the time of this thread, if it is not the platform.
fn current() -> Option<Rc<dyn VirtualTime>> {
    // None while the thread ends, too.
    CURRENT.try_with(|time| time.borrow().clone()).ok()?
}

pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    match current() {
        Some(time) => time.spawn(Box::pin(task)),
        None => platform::spawn(task),
    }
}

pub(super) fn spawn_local(task: impl Future<Output = ()> + 'static) {
    match current() {
        Some(time) => time.spawn(Box::pin(task)),
        None => platform::spawn_local(task),
    }
}

/// As everywhere, the time begins when it is polled first.
pub(super) async fn sleep(duration: Duration) {
    let virtually = current().map(|time| time.sleep(duration));
    match virtually {
        Some(sleep) => sleep.await,
        None => platform::sleep(duration).await,
    }
}

pub(super) fn now() -> Instant {
    /// All virtual times count from the same real one.
    static BEGINNING: OnceLock<Instant> = OnceLock::new();
    match current() {
        Some(time) => *BEGINNING.get_or_init(platform::now) + time.elapsed(),
        None => platform::now(),
    }
}

pub(super) fn random() -> f64 {
    match current() {
        Some(time) => time.random(),
        None => platform::random(),
    }
}

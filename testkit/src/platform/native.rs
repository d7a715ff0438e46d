use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::panic;
use std::pin::pin;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{LocalBoxFuture, try_join_all};

use super::Task;
use crate::Violation;

/// Makes one test of one check.
#[doc(hidden)]
#[macro_export]
macro_rules! __test {
    ($name:ident, $check:expr) => {
        #[::core::prelude::v1::test]
        fn $name() -> $crate::__private::Result<(), $crate::Violation> {
            $crate::__private::run(|| ::std::boxed::Box::pin($check))
        }
    };
}

/// Runs a check to its end, on a thread of its own, so that even one that blocks its thread ends.
///
/// # Errors
/// What the check found, or that it blocked.
///
/// # Panics
/// When the check does.
pub fn run(check: fn() -> LocalBoxFuture<'static, Result<(), Violation>>) -> Result<(), Violation> {
    let step = Step::default();
    let (done, finished) = channel::<()>();
    let running = thread::spawn({
        let step = Arc::clone(&step);
        move || {
            let _done = done;
            STEP.set(Some(step));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a thread can have a tokio runtime");
            let result = runtime.block_on(check());
            // Waits for nothing that the check has left behind.
            runtime.shutdown_background();
            result
        }
    });
    while let Err(RecvTimeoutError::Timeout) = finished.recv_timeout(Duration::from_millis(50)) {
        if let Some((deadline, violation)) = &*lock(&step)
            && Instant::now() > *deadline
        {
            return Err((**violation).clone());
        }
    }
    running
        .join()
        .unwrap_or_else(|panicked| panic::resume_unwind(panicked))
}

/// What is being polled right now, until when at most, and what it means if it takes longer.
type Step = Arc<Mutex<Option<(Instant, Arc<Violation>)>>>;

thread_local!(static STEP: RefCell<Option<Step>> = const { RefCell::new(None) });

/// Announces each poll of a future, so that one that blocks its thread is found out.
pub(crate) async fn watched<F: Future>(
    limit: Duration,
    blocked: Violation,
    future: F,
) -> F::Output {
    let Some(step) = STEP.with_borrow(Clone::clone) else {
        return future.await;
    };
    let blocked = Arc::new(blocked);
    let mut future = pin!(future);
    poll_fn(|context| {
        let outer = lock(&step).replace((Instant::now() + limit, Arc::clone(&blocked)));
        let polled = future.as_mut().poll(context);
        *lock(&step) = outer;
        polled
    })
    .await
}

/// Runs tasks on several threads; ends with the first that fails.
///
/// # Errors
/// That of the task.
pub(crate) async fn side_by_side(tasks: Vec<Task>) -> Result<(), String> {
    const THREADS: usize = 4;
    let runtime = tokio::runtime::Handle::current();
    let mut hands: [Vec<Task>; THREADS] = Default::default();
    for (index, task) in tasks.into_iter().enumerate() {
        hands[index % THREADS].push(task);
    }
    let working = hands.map(|tasks| {
        let (done, finished) = oneshot::channel();
        let runtime = runtime.clone();
        thread::spawn(move || {
            let _ = done.send(runtime.block_on(try_join_all(tasks)).map(drop));
        });
        finished.map(|result| result.unwrap_or_else(|_| Err("a task panicked".to_owned())))
    });
    try_join_all(working).await.map(drop)
}

/// Says something beside a test's result.
pub fn note(text: &str) {
    println!("{text}");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

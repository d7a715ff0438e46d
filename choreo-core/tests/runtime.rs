//! Tasks and time, on every platform.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use choreo_core::runtime::{Instant, sleep, spawn, timeout, yield_now};
use futures::channel::oneshot;

#[cfg(not(target_arch = "wasm32"))]
use tokio::test;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
async fn sleeps_are_not_short() {
    for millis in [0, 1, 30] {
        let start = Instant::now();
        sleep(Duration::from_millis(millis)).await;
        assert!(start.elapsed() >= Duration::from_millis(millis));
    }
}

#[test]
async fn a_part_of_a_millisecond_is_slept_through() {
    let start = Instant::now();
    sleep(Duration::from_micros(1_200)).await;
    // Browsers round their clocks, to 0.1 ms here and to 1 ms there.
    assert!(
        start.elapsed() >= Duration::from_millis(1),
        "{:?}",
        start.elapsed()
    );
}

#[test]
async fn a_future_that_is_ready_wins_over_a_limit_of_nothing() {
    assert_eq!(timeout(Duration::ZERO, async { 1 }).await, Ok(1));
}

#[test]
async fn an_elapsed_limit_says_how_long_it_was() {
    let elapsed = timeout(Duration::from_millis(5), std::future::pending::<()>()).await;
    assert_eq!(elapsed.unwrap_err().to_string(), "not done within 5 ms");
}

#[test]
async fn a_sleep_that_nobody_waits_for_disturbs_nobody() {
    for _ in 0..100 {
        drop(sleep(Duration::from_secs(3_600)));
        let begun = timeout(Duration::ZERO, sleep(Duration::from_secs(3_600)));
        assert!(begun.await.is_err());
    }
}

#[test]
async fn a_limit_longer_than_a_browsers_timer_can_be_is_no_short_one() {
    let (done, waiting) = oneshot::channel();
    spawn(async move {
        sleep(Duration::from_millis(30)).await;
        done.send(7).unwrap();
    });
    let month = Duration::from_secs(60 * 60 * 24 * 30);
    assert_eq!(timeout(month, waiting).await, Ok(Ok(7)));
}

#[test]
async fn yielding_lets_a_spawned_task_run() {
    let ran = Arc::new(AtomicBool::new(false));
    let task = ran.clone();
    spawn(async move { task.store(true, Ordering::SeqCst) });
    for _ in 0..1_000 {
        if ran.load(Ordering::SeqCst) {
            return;
        }
        yield_now().await;
    }
    panic!("the task did not run");
}

#[test]
async fn tasks_wake_each_other_however_many_there_are() {
    let (first, mut waiting) = oneshot::channel();
    first.send(0).unwrap();
    for _ in 0..1_000 {
        let (next, waits) = oneshot::channel();
        spawn(async move { next.send(waiting.await.unwrap() + 1).unwrap() });
        waiting = waits;
    }
    assert_eq!(waiting.await, Ok(1_000));
}

#[test]
async fn a_waker_outlives_its_task_and_does_no_harm() {
    let (give, given) = oneshot::channel();
    spawn(async move {
        let waker = poll_fn(|context| Poll::Ready(context.waker().clone())).await;
        give.send(waker).unwrap();
    });
    let waker = given.await.unwrap();
    yield_now().await;
    let (done, waiting) = oneshot::channel();
    spawn(async move {
        yield_now().await;
        done.send(()).unwrap();
    });
    waker.wake_by_ref();
    assert_eq!(waiting.await, Ok(()));
    waker.wake();
}

/// Wakes another task, and spawns one, when it is dropped.
struct Last(Option<oneshot::Sender<()>>, Option<oneshot::Sender<()>>);

impl Drop for Last {
    fn drop(&mut self) {
        let (wakes, spawned) = (self.0.take().unwrap(), self.1.take().unwrap());
        wakes.send(()).unwrap();
        spawn(async move { spawned.send(()).unwrap() });
    }
}

#[test]
async fn a_task_that_ends_may_wake_and_spawn_others() {
    let ((wakes, woken), (spawns, spawned)) = (oneshot::channel(), oneshot::channel());
    let last = Last(Some(wakes), Some(spawns));
    // Dropped with the task, not by its code.
    spawn(poll_fn(move |_| {
        let _held = &last;
        Poll::Ready(())
    }));
    assert_eq!((woken.await, spawned.await), (Ok(()), Ok(())));
}

#[test]
async fn instants_are_added_and_subtracted() {
    let (start, second) = (Instant::now(), Duration::from_secs(1));
    let mut later = start + second;
    assert!(later > start);
    assert_eq!(later - start, second);
    assert_eq!(later.duration_since(start), second);
    assert_eq!(start.duration_since(later), Duration::ZERO);
    assert_eq!(start.saturating_duration_since(later), Duration::ZERO);
    assert_eq!(start.checked_duration_since(later), None);
    assert_eq!(start.checked_add(Duration::MAX), None);
    later += second;
    later -= second * 2;
    assert_eq!(later, start);
    assert_eq!(later.checked_add(second), Some(start + second));
    assert_eq!((start + second).checked_sub(second), Some(start));
    assert_eq!(start + second - second, start);
}

//! Tasks and time, on every platform.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

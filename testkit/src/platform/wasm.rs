use std::future::Future;
use std::time::Duration;

use choreo_core::runtime;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::try_join_all;

use super::Task;
use crate::Violation;

#[doc(hidden)]
pub use wasm_bindgen_test;

/// Makes one test of one check.
#[doc(hidden)]
#[macro_export]
macro_rules! __test {
    ($name:ident, $check:expr) => {
        #[$crate::__private::wasm_bindgen_test::wasm_bindgen_test(crate = $crate::__private::wasm_bindgen_test)]
        async fn $name() -> $crate::__private::Result<(), $crate::Violation> {
            $check.await
        }
    };
}

/// There is one thread, and nobody else to look on.
pub(crate) fn watched<F: Future>(_: Duration, _: Violation, future: F) -> F {
    future
}

/// Runs tasks beside each other; ends with the first that fails.
///
/// # Errors
/// That of the task.
pub(crate) async fn side_by_side(tasks: Vec<Task>) -> Result<(), String> {
    let working = tasks.into_iter().map(|task| {
        let (done, finished) = oneshot::channel();
        runtime::spawn(async move {
            let _ = done.send(task.await);
        });
        finished.map(|result| result.unwrap_or_else(|_| Err("a task was dropped".to_owned())))
    });
    try_join_all(working).await.map(drop)
}

/// Says something beside a test's result.
pub fn note(text: &str) {
    wasm_bindgen_test::console_log!("{text}");
}

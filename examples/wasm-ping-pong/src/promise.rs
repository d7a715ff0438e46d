use std::future::Future;
use std::pin::Pin;

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

/// Runs a task, for JavaScript to wait for: its text, `undefined`, or an `Error`.
///
/// The task is boxed, so that what turns it into a promise is in the module once.
pub(crate) fn promise(
    task: impl Future<Output = Result<Option<String>, String>> + 'static,
) -> Promise {
    let task: Pin<Box<dyn Future<Output = _>>> = Box::pin(task);
    future_to_promise(async {
        match task.await {
            Ok(text) => Ok(text.into()),
            Err(what) => Err(JsError::new(&what).into()),
        }
    })
}

use std::future::Future;
use std::pin::Pin;

use choreo::runtime;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// JavaScript's.
    pub type Promise;

    #[wasm_bindgen(constructor)]
    fn new(start: &mut dyn FnMut(Settle, Settle)) -> Promise;

    /// A function that settles a promise.
    type Settle;

    #[wasm_bindgen(method)]
    fn call(this: &Settle, receiver: &JsValue, value: &JsValue);
}

/// Runs a task, for JavaScript to wait for: its text, `undefined`, or an `Error`.
pub(crate) fn promise(
    task: impl Future<Output = Result<Option<String>, String>> + 'static,
) -> Promise {
    let mut task: Option<Pin<Box<dyn Future<Output = _>>>> = Some(Box::pin(task));
    Promise::new(&mut |resolve, reject| {
        let Some(task) = task.take() else { return };
        runtime::spawn_local(async move {
            let (settle, value) = match task.await {
                Ok(text) => (resolve, text.into()),
                Err(what) => (reject, JsError::new(&what).into()),
            };
            settle.call(&JsValue::UNDEFINED, &value);
        });
    })
}

use std::future::Future;
use std::time::Duration;

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
pub(crate) fn watched<F: Future>(_: Duration, _: impl FnOnce() -> Violation, future: F) -> F {
    future
}

/// Says something beside a test's result.
pub fn note(text: &str) {
    wasm_bindgen_test::console_log!("{text}");
}

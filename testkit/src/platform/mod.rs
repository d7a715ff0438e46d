//! How a check becomes a test: a thread with a tokio runtime natively, the event loop on wasm.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
pub use native::*;
#[cfg(target_arch = "wasm32")]
pub use wasm::*;

/// Something to do beside others; fails with a sentence.
pub(crate) type Task = futures::future::BoxFuture<'static, Result<(), String>>;

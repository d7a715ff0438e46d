//! The page's code as its callers see it.

#[cfg(all(target_arch = "wasm32", not(feature = "spec")))]
mod javascript;
mod play;
#[cfg(feature = "spec")]
mod spec;

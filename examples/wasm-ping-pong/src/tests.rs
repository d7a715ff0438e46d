//! The page's code as its callers see it.

#[cfg(target_arch = "wasm32")]
mod javascript;
mod play;

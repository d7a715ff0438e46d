//! What users write with the facade. One program for all: each takes a browser to start.

mod bad_input;
mod guide;
#[cfg(feature = "rumpsteak")]
mod guide_rumpsteak;
#[cfg(feature = "wasm")]
mod js_errors;
mod many_roles;
#[cfg(feature = "plugins")]
mod plugins;
mod promises;
mod stacks;
#[cfg(all(feature = "rumpsteak", feature = "websocket"))]
mod websocket;

//! tower, both ways: its own layers on a handler, and a handler as a `tower::Service`.
mod error;
mod gate;
mod layer;
mod request;
mod service;
mod ticket;

pub use gate::{Attempt, Gate};
pub use layer::{Tower, TowerLayer};
pub use request::{Reply, Request};
pub use service::HandlerService;

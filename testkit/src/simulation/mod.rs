//! Worlds of their own, made of seeds, in which a protocol is to survive what goes wrong there.

mod diagram;
mod executor;
mod failure;
mod faults;
mod handler;
mod history;
mod network;
mod report;
#[expect(
    clippy::module_inception,
    reason = "the main type, in the file of its name"
)]
mod simulation;
mod span;
mod world;

pub use failure::{Cause, SimFailure};
pub use handler::SimHandler;
pub use network::{Played, SimNetwork};
pub use report::{Counts, Report};
pub use simulation::Simulation;
pub use span::Span;

#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[cfg(all(target_arch = "wasm32", not(target_feature = "atomics")))]
mod allocator;
mod counters;
mod failure;
mod options;
mod play;
mod promise;
pub mod protocol;
mod run;
#[cfg(feature = "spec")]
mod run_over_spec;
#[cfg(not(feature = "spec"))]
mod run_over_ticks;
mod run_protocol;
mod slow_motion;
#[cfg(feature = "spec")]
mod spec;
pub mod stack;
#[cfg(test)]
mod tests;
mod trace_log;

pub use failure::Failure;
pub use options::{Faults, Options};
pub use play::play;
pub use promise::Promise;
pub use run::Run;
#[cfg(feature = "spec")]
pub use run_over_spec::{describe_spec, spec_schemas};
pub use run_protocol::{run_protocol, run_protocol_promise};
pub use slow_motion::{SlowMotion, SlowMotionLayer};
#[cfg(feature = "spec")]
pub use spec::Spec;
pub use trace_log::TraceLog;

//! Each layer by name: what it takes from a configuration, and its constant, such as
//! `RetryLayer::PLUGIN`.

#[cfg(feature = "fault-injection")]
mod fault_injection;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "monitor")]
mod monitor;
#[cfg(feature = "record")]
mod record;
#[cfg(feature = "retry")]
mod retry;
#[cfg(feature = "timeout")]
mod timeout;
#[cfg(feature = "trace")]
mod trace;

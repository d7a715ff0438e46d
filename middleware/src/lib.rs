#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[cfg(feature = "fault-injection")]
mod fault_injection;
#[cfg(any(feature = "metrics", feature = "retry"))]
mod in_box;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "monitor")]
mod monitor;
#[cfg(feature = "plugin")]
mod plugins;
#[cfg(feature = "record")]
mod record;
#[cfg(feature = "retry")]
mod retry;
#[cfg(any(feature = "metrics", feature = "trace"))]
mod size;
#[cfg(any(feature = "fault-injection", feature = "metrics"))]
mod sorted;
#[cfg(feature = "timeout")]
mod timeout;
#[cfg(any(
    feature = "fault-injection",
    feature = "record",
    feature = "retry",
    feature = "trace"
))]
mod times;
#[cfg(feature = "tower")]
pub mod tower;
#[cfg(feature = "trace")]
mod trace;
#[cfg(any(feature = "metrics", feature = "record", feature = "trace"))]
mod watched;

#[cfg(feature = "fault-injection")]
pub use fault_injection::{Fault, FaultInjection, FaultInjectionLayer};
#[cfg(feature = "metrics")]
pub use metrics::{
    Metrics, MetricsHandle, MetricsLayer, MetricsSnapshot, OperationMetrics, PeerMetrics, Waits,
};
#[cfg(feature = "monitor")]
pub use monitor::{Monitor, MonitorLayer};
#[cfg(feature = "record")]
pub use record::{Entry, Failure, Payload, Record, RecordLayer, Recording, Replay};
#[cfg(feature = "retry")]
pub use retry::{Retry, RetryLayer};
#[cfg(feature = "timeout")]
pub use timeout::{Timeout, TimeoutLayer};
#[cfg(feature = "trace")]
pub use trace::{Trace, TraceLayer};

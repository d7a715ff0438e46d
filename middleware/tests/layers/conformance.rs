//! Each layer keeps every promise of a layer, and what it makes of a handler those of a handler.
#![cfg(all(
    feature = "trace",
    feature = "record",
    feature = "metrics",
    feature = "retry",
    feature = "timeout",
    feature = "fault-injection"
))]

use std::time::Duration;

use choreo_middleware::{
    Fault, FaultInjectionLayer, MetricsLayer, RecordLayer, Recording, RetryLayer, TimeoutLayer,
    TraceLayer,
};
use choreo_testkit::layer_suite;

const LONG: Duration = Duration::from_secs(60);

layer_suite!(trace_off, TraceLayer::new("Alice"));
layer_suite!(metrics, MetricsLayer::new());
layer_suite!(
    metrics_with_every_wait_timed,
    MetricsLayer::new().time_every(1)
);
layer_suite!(record, RecordLayer::new("Alice", &Recording::new()));
layer_suite!(
    record_full,
    RecordLayer::new("Alice", &Recording::with_capacity(0, 0))
);
layer_suite!(retry, RetryLayer::new(2, Duration::from_millis(1)));
layer_suite!(retry_never, RetryLayer::new(0, LONG));
layer_suite!(timeout, TimeoutLayer::new(LONG));
layer_suite!(timeout_without_limits, TimeoutLayer::default());
layer_suite!(fault_injection_without_faults, FaultInjectionLayer::new());
layer_suite!(
    fault_injection_with_faults_to_come,
    FaultInjectionLayer::new()
        .with_schedule(Fault::BeforeSend, [1 << 40])
        .with_schedule(Fault::Recv, [1 << 40])
);

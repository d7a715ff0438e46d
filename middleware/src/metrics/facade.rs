use std::time::Duration;

use choreo_core::Operation;
use metrics::{Counter, Histogram, Label, counter, histogram};

/// The same counts at the `metrics` crate's recorder.
pub(super) struct Facade {
    operations: Counter,
    bytes: Counter,
    errors: Counter,
    waits: Histogram,
}

impl Facade {
    pub(super) fn new(role: Option<&str>, peer: &str, operation: Operation) -> Self {
        let mut labels = vec![
            Label::new("peer", peer.to_owned()),
            Label::from_static_parts("operation", operation.name()),
        ];
        labels.extend(role.map(|role| Label::new("role", role.to_owned())));
        Self {
            operations: counter!("choreo_operations_total", labels.clone()),
            bytes: counter!("choreo_bytes_total", labels.clone()),
            errors: counter!("choreo_errors_total", labels.clone()),
            waits: histogram!("choreo_wait_seconds", labels),
        }
    }

    pub(super) fn count(&self, bytes: usize) {
        self.operations.increment(1);
        self.bytes.increment(bytes as u64);
    }

    pub(super) fn count_error(&self) {
        self.errors.increment(1);
    }

    pub(super) fn time(&self, time: Duration) {
        self.waits.record(time);
    }
}

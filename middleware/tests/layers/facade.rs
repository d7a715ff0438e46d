//! What is counted also reaches the recorder of the `metrics` crate.
#![cfg(feature = "metrics-facade")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::common::{ALICE, BOB};
use choreo_core::{ChoreoHandlerExt, Error, ErrorKind};
use choreo_middleware::MetricsLayer;
use choreo_testkit::{Probe, ProbeEndpoint};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

/// Sums by name and labels.
#[derive(Clone, Default)]
struct Sums(Arc<Mutex<BTreeMap<String, f64>>>);

struct Sum(Sums, String);

impl Sum {
    fn add(&self, value: f64) {
        *self.0.0.lock().unwrap().entry(self.1.clone()).or_default() += value;
    }
}

impl CounterFn for Sum {
    fn increment(&self, value: u64) {
        self.add(value as f64);
    }
    fn absolute(&self, _: u64) {}
}

impl HistogramFn for Sum {
    fn record(&self, _: f64) {
        self.add(1.0);
    }
}

impl Sums {
    fn of(&self, key: &Key) -> Arc<Sum> {
        let mut labels: Vec<_> = key
            .labels()
            .map(|l| format!(" {}={}", l.key(), l.value()))
            .collect();
        labels.sort();
        Arc::new(Sum(
            self.clone(),
            format!("{}{}", key.name(), labels.concat()),
        ))
    }
}

impl Recorder for Sums {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.of(key))
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.of(key))
    }
}

tests! {
    async fn operations_bytes_errors_and_waits_are_counted_with_their_labels() {
        let sums = Sums::default();
        let _guard = metrics::set_default_local_recorder(&sums);
        let probe = Probe::new();
        let endpoint = ProbeEndpoint::default();
        let alice = probe.clone().layer(MetricsLayer::new().with_role(ALICE));
        alice.send(&endpoint, BOB.into(), &"hello").await.unwrap();
        probe.pause(1);
        alice.send(&endpoint, BOB.into(), &"hello").await.unwrap();
        probe.fail_with(|| Error::new(ErrorKind::Closed, "gone"));
        alice.recv::<u32>(&endpoint, BOB.into()).await.unwrap_err();

        let sums = sums.0.lock().unwrap().clone();
        let sums: Vec<_> = sums.iter().map(|(name, sum)| (name.as_str(), *sum)).collect();
        assert_eq!(sums, [
            ("choreo_bytes_total operation=send peer=Bob role=Alice", 12.0),
            ("choreo_errors_total operation=recv peer=Bob role=Alice", 1.0),
            ("choreo_operations_total operation=send peer=Bob role=Alice", 2.0),
            ("choreo_wait_seconds operation=send peer=Bob role=Alice", 1.0),
        ]);
    }
}

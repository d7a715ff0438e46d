//! From the layers that were chosen at run time to a stack.

use choreo::middleware::{
    Fault, FaultInjectionLayer, MetricsLayer, RecordLayer, Recording, RetryLayer, TraceLayer,
};
use choreo::{BoxHandler, ChoreoHandlerExt, InMemoryHandler, RoleId};
use std::time::Duration;

use crate::protocol::Role;
use crate::{Options, SlowMotionLayer, TraceLog};

/// A layer of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Makes sends fail.
    FaultInjection,
    /// Draws what happens; always there.
    Record,
    /// Repeats sends that failed.
    Retry,
    /// Counts.
    Metrics,
    /// Logs.
    Trace,
    /// Waits before each operation.
    SlowMotion,
}

/// What the layers write into, for the page to read.
#[derive(Clone, Debug)]
pub struct Instruments {
    /// Both roles' operations, as a sequence diagram.
    pub recording: Recording,
    /// Alice's counts.
    pub alice: MetricsLayer,
    /// Bob's counts.
    pub bob: MetricsLayer,
    /// What Trace tells.
    pub log: TraceLog,
    /// The pace of both roles.
    pub slow_motion: SlowMotionLayer,
}

impl Instruments {
    /// Nothing written yet.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self {
            recording: Recording::new(),
            alice: MetricsLayer::new().time_every(1),
            bob: MetricsLayer::new().time_every(1),
            log: TraceLog::new(),
            slow_motion: SlowMotionLayer::new(options.pace),
        }
    }

    fn metrics(&self, role: Role) -> &MetricsLayer {
        match role {
            Role::Alice => &self.alice,
            Role::Bob => &self.bob,
        }
    }
}

/// Stacks the chosen layers on a handler.
pub fn stack(
    handler: InMemoryHandler<Role>,
    options: &Options,
    instruments: &Instruments,
) -> BoxHandler<Role> {
    let role = *handler.role();
    let mut stack = handler.boxed();
    for layer in layers(options) {
        stack = match layer {
            Layer::FaultInjection => stack.layer(faults(options)).boxed(),
            Layer::Record => stack
                .layer(RecordLayer::new(role.name(), &instruments.recording))
                .boxed(),
            Layer::Retry => stack.layer(retry(options)).boxed(),
            Layer::Metrics => stack.layer(instruments.metrics(role).clone()).boxed(),
            Layer::Trace => stack.layer(TraceLayer::new(role.name())).boxed(),
            Layer::SlowMotion => stack.layer(instruments.slow_motion.clone()).boxed(),
        };
    }
    stack
}

/// The layers of the stack, the innermost first.
///
/// Record sees each attempt that Retry makes, and Metrics and Trace see what comes of them.
#[must_use]
pub fn layers(options: &Options) -> Vec<Layer> {
    let chosen = [
        (options.faults.is_some(), Layer::FaultInjection),
        (true, Layer::Record),
        (options.retry, Layer::Retry),
        (options.metrics, Layer::Metrics),
        (options.trace, Layer::Trace),
        (options.pace > 0, Layer::SlowMotion),
    ];
    chosen
        .into_iter()
        .filter_map(|(chosen, layer)| chosen.then_some(layer))
        .collect()
}

/// The type of the stack: `SlowMotion<Trace<Record<InMemoryHandler>>>`.
#[must_use]
pub fn type_name(options: &Options) -> String {
    layers(options)
        .into_iter()
        .fold("InMemoryHandler".to_owned(), |inner, layer| {
            format!("{layer:?}<{inner}>")
        })
}

fn faults(options: &Options) -> FaultInjectionLayer {
    let layer = FaultInjectionLayer::new();
    options.faults.map_or(layer.clone(), |faults| {
        layer
            .with_seed(faults.seed)
            .with_rate(Fault::BeforeSend, faults.rate / 100.0)
    })
}

/// Five more attempts, at the pace of slow motion where that is on.
fn retry(options: &Options) -> RetryLayer {
    let pause = Duration::from_millis(options.pace.max(2).into());
    RetryLayer::new(5, pause).max_delay(pause * 2).jitter(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Faults;

    #[test]
    fn the_type_names_what_was_chosen() {
        let mut options = Options::new("");
        assert_eq!(type_name(&options), "Record<InMemoryHandler>");
        options.retry = true;
        options.trace = true;
        assert_eq!(type_name(&options), "Trace<Retry<Record<InMemoryHandler>>>");
        options.metrics = true;
        options.pace = 250;
        options.faults = Some(Faults {
            seed: 7,
            rate: 30.0,
        });
        assert_eq!(
            type_name(&options),
            "SlowMotion<Trace<Metrics<Retry<Record<FaultInjection<InMemoryHandler>>>>>>"
        );
    }
}

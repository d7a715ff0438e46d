//! From the layers that were chosen at run time to a stack.

use choreo::middleware::{
    Fault, FaultInjectionLayer, MetricsLayer, RecordLayer, Recording, RetryLayer, TimeoutLayer,
    TraceLayer,
};
use choreo::{BoxHandler, ChoreoHandlerExt, InMemoryHandler, RoleId};
use std::time::Duration;

use crate::protocol::Role;
use crate::{Faults, Options, SlowMotionLayer, TraceLog};

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
    if let Some(Faults { seed, rate }) = options.faults {
        let faults = FaultInjectionLayer::new()
            .with_seed(seed.into())
            .with_rate(Fault::BeforeSend, rate / 100.0);
        stack = stack.layer(faults).boxed();
    }
    // Sees each attempt that Retry makes; Metrics and Trace see what comes of them.
    let record = RecordLayer::new(role.name(), &instruments.recording);
    stack = stack.layer(record).boxed();
    if options.retry {
        // Five more attempts, at the pace of slow motion where that is on.
        let pause = u64::from(options.pace.max(2));
        let retry = RetryLayer::new(5, Duration::from_millis(pause))
            .max_delay(Duration::from_millis(2 * pause))
            .jitter(false);
        stack = stack.layer(retry).boxed();
    }
    if let Some(limit) = options.timeout {
        let limit = Duration::from_millis(limit.into());
        stack = stack.layer(TimeoutLayer::new(limit)).boxed();
    }
    if options.metrics {
        stack = stack.layer(instruments.metrics(role).clone()).boxed();
    }
    if options.trace {
        stack = stack.layer(TraceLayer::new(role.name())).boxed();
    }
    if options.pace > 0 {
        stack = stack.layer(instruments.slow_motion.clone()).boxed();
    }
    stack
}

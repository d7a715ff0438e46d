use std::time::Duration;

use choreo_core::{ChoreoHandlerExt, DynHandler, Result};
use choreo_plugin::{LayerOptions, LayerPlugin, OptionValue, Place, Setting, options, register};

use crate::{Fault, FaultInjectionLayer};

impl FaultInjectionLayer {
    /// The layer `fault-injection`, for stacks by name: `seed`, the rates `before_send`,
    /// `after_send` and `recv`, and delays from `delay_min` to `delay_max`.
    pub const PLUGIN: LayerPlugin = LayerPlugin::of::<FaultInjectionOptions>(
        "fault-injection",
        "FaultInjection",
        "Makes operations slow or fail on purpose, and the same ones each time.",
    );
}

register!(FaultInjectionLayer::PLUGIN);

options! {
    /// What the layer takes.
    struct FaultInjectionOptions {
        /// Another seed, other faults.
        seed: u64 = 0,
        /// The probability that a send fails and nothing was sent.
        before_send: Rate = Rate(0.0),
        /// The probability that a send fails after the payload was delivered.
        after_send: Rate = Rate(0.0),
        /// The probability that a receive fails.
        recv: Rate = Rate(0.0),
        /// The shortest delay of an operation.
        delay_min: Duration = Duration::ZERO,
        /// The longest delay of an operation.
        delay_max: Duration = Duration::ZERO,
    }
}

impl LayerOptions for FaultInjectionOptions {
    fn layer(self, inner: DynHandler, _: &Place) -> Result<DynHandler> {
        let layer = FaultInjectionLayer::new()
            .with_seed(self.seed)
            .with_rate(Fault::BeforeSend, self.before_send.0)
            .with_rate(Fault::AfterSend, self.after_send.0)
            .with_rate(Fault::Recv, self.recv.0)
            .with_delay_range(self.delay_min, self.delay_max.max(self.delay_min));
        Ok(inner.layer(layer).boxed())
    }
}

/// A probability.
#[derive(Clone, Copy, Debug)]
struct Rate(f64);

impl OptionValue for Rate {
    fn schema(out: &mut String) {
        out.push_str(r#""type":"number","minimum":0,"maximum":1"#);
    }

    fn show(&self, out: &mut String) {
        self.0.show(out);
    }

    fn read(setting: Setting<'_>) -> Result<Self> {
        let rate = f64::read(setting)
            .ok()
            .filter(|rate| (0.0..=1.0).contains(rate));
        rate.map(Self)
            .ok_or_else(|| setting.expected("a number from 0 to 1"))
    }
}

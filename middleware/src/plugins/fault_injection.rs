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
        /// The probability that a send fails and nothing was sent; 0 if it is left out.
        before_send: Option<Rate>,
        /// The probability that a send fails after the payload was delivered; 0 if it is left out.
        after_send: Option<Rate>,
        /// The probability that a receive fails; 0 if it is left out.
        recv: Option<Rate>,
        /// The shortest delay of an operation.
        delay_min: Duration = Duration::ZERO,
        /// The longest delay of an operation.
        delay_max: Duration = Duration::ZERO,
    }
}

impl LayerOptions for FaultInjectionOptions {
    fn layer(self, inner: DynHandler, _: &Place) -> Result<DynHandler> {
        let rate = |rate: Option<Rate>| rate.map_or(0.0, |Rate(rate)| rate);
        let layer = FaultInjectionLayer::new()
            .with_seed(self.seed)
            .with_rate(Fault::BeforeSend, rate(self.before_send))
            .with_rate(Fault::AfterSend, rate(self.after_send))
            .with_rate(Fault::Recv, rate(self.recv))
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

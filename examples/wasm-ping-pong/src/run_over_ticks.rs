//! A run over the layers that are ticked.

use choreo::middleware::MetricsSnapshot;
use wasm_bindgen::prelude::*;

use crate::stack::Instruments;
use crate::{Failure, Faults, Options, Run, play};

/// What a run does, and what it writes into.
pub(crate) struct Plan {
    options: Options,
    pub(crate) instruments: Instruments,
}

#[wasm_bindgen]
impl Run {
    /// A run that has not started: what Alice says and how often, over which layers
    /// (1 is Trace, 2 Metrics, 4 Retry, 8 `FaultInjection`, and 16 Timeout), how many milliseconds
    /// to wait before each operation, how many it may take, and which sends fail, chosen by a seed,
    /// and how many, in percent.
    #[must_use]
    #[wasm_bindgen(constructor)]
    pub fn new(
        message: String,
        rounds: u32,
        layers: u8,
        pace: u32,
        limit: u32,
        seed: u32,
        rate: f64,
    ) -> Self {
        let options = Options {
            message,
            rounds: rounds as usize,
            ..Options::over(layers, pace, limit, Faults { seed, rate })
        };
        Self::of(Plan {
            instruments: Instruments::new(&options),
            options,
        })
    }
}

impl Plan {
    pub(crate) async fn play(&self) -> Result<String, Failure> {
        play(&self.options, &self.instruments).await
    }

    /// What Metrics has counted of Alice, and of Bob.
    pub(crate) fn counted(&self) -> [MetricsSnapshot; 2] {
        let Instruments { alice, bob, .. } = &self.instruments;
        [alice.snapshot(), bob.snapshot()]
    }
}

use std::cell::{Cell, RefCell};
use std::pin::pin;

use futures::channel::oneshot;
use futures::future::{Either, select};
use wasm_bindgen::prelude::*;

use crate::Options;
use crate::counter::{Counter, counters};
use crate::options::RunOptions;
use crate::play::play;
use crate::stack::{self, Instruments};

/// One run of the protocol, as the page starts and watches it.
///
/// All that a run shows can be read while it runs; `version` says when there is more to see.
#[wasm_bindgen]
pub struct Run {
    options: Options,
    instruments: Instruments,
    started: Cell<bool>,
    stop: RefCell<Option<oneshot::Sender<()>>>,
}

#[wasm_bindgen]
impl Run {
    /// A run that has not started.
    ///
    /// # Errors
    /// When an option is out of its range; the exception's `field` names the input.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &RunOptions) -> Result<Run, JsValue> {
        let options = Options::try_from(options)?;
        Ok(Self {
            instruments: Instruments::new(&options),
            options,
            started: Cell::new(false),
            stop: RefCell::default(),
        })
    }

    /// Starts it, once. Resolves to Bob's last reply, or to `undefined` when it was stopped.
    ///
    /// # Errors
    /// An exception in words, with the further properties `advice` and `detail`.
    pub async fn start(&self) -> Result<Option<String>, JsValue> {
        if self.started.replace(true) {
            return Err(JsError::new("This run has started already; make a new one.").into());
        }
        let (stop, stopped) = oneshot::channel();
        self.stop.replace(Some(stop));
        let playing = pin!(play(&self.options, &self.instruments));
        match select(playing, stopped).await {
            Either::Left((reply, _)) => reply.map(Some).map_err(JsValue::from),
            Either::Right(_) => Ok(None),
        }
    }

    /// Stops it.
    pub fn stop(&self) {
        self.stop.take();
    }

    /// Changes the pace of a run that goes slowly: milliseconds before each operation.
    #[wasm_bindgen(js_name = setPace)]
    pub fn set_pace(&self, milliseconds: u32) {
        self.instruments.slow_motion.set(milliseconds);
    }

    /// Changes whenever there is more to see.
    #[wasm_bindgen(getter)]
    pub fn version(&self) -> f64 {
        self.instruments.recording.version() as f64
    }

    /// The sequence diagram so far, as an SVG document.
    #[wasm_bindgen(getter)]
    pub fn svg(&self) -> String {
        self.instruments.recording.to_svg()
    }

    /// The sequence diagram so far, as Mermaid source.
    #[wasm_bindgen(getter)]
    pub fn mermaid(&self) -> String {
        self.instruments.recording.to_mermaid()
    }

    /// What Metrics has counted; `undefined` without it.
    #[wasm_bindgen(getter)]
    pub fn counters(&self) -> Option<Vec<Counter>> {
        if !self.options.metrics {
            return None;
        }
        let Instruments { alice, bob, .. } = &self.instruments;
        let mut lines = counters("Alice", &alice.snapshot());
        lines.extend(counters("Bob", &bob.snapshot()));
        Some(lines)
    }

    /// What Trace has told, behind the first `known` lines, a line each; `undefined` without it.
    #[wasm_bindgen(js_name = traceAfter)]
    pub fn trace_after(&self, known: usize) -> Option<String> {
        let log = &self.instruments.log;
        self.options.trace.then(|| log.after(known))
    }

    /// The type of the stack of either role.
    #[wasm_bindgen(getter)]
    pub fn stack(&self) -> String {
        stack::type_name(&self.options)
    }
}

/// The type of the stack that the chosen layers make, with the page's own among them.
#[must_use]
#[wasm_bindgen(js_name = stackType)]
pub fn stack_type(options: &RunOptions) -> String {
    stack::type_name(&options.layers())
}

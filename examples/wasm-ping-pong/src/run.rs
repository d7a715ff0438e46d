use std::cell::Cell;
use std::rc::Rc;

use futures::future::{AbortHandle, AbortRegistration, Abortable};
use wasm_bindgen::prelude::*;

use crate::counters::counters;
use crate::promise::{Promise, promise};
use crate::stack::Instruments;

#[cfg(feature = "spec")]
pub(crate) use crate::run_over_spec::Plan;
#[cfg(not(feature = "spec"))]
pub(crate) use crate::run_over_ticks::Plan;

/// One run of the protocol, as the page starts and watches it.
///
/// All that a run shows can be read while it runs; `version` says when there is more to see.
#[wasm_bindgen]
pub struct Run {
    plan: Rc<Plan>,
    stop: AbortHandle,
    /// Until it starts.
    stopped: Cell<Option<AbortRegistration>>,
}

#[wasm_bindgen]
impl Run {
    /// Starts it, once. Resolves to Bob's last reply, or to `undefined` when it was stopped.
    ///
    /// It is rejected with an `Error` whose message has a line each for what failed, what to try,
    /// and what the library says.
    #[wasm_bindgen(unchecked_return_type = "Promise<string | undefined>")]
    pub fn start(&self) -> Promise {
        let plan = Rc::clone(&self.plan);
        let stopped = self.stopped.take();
        promise(async move {
            let stopped = stopped.ok_or("This run has started already; make a new one.")?;
            match Abortable::new(plan.play(), stopped).await {
                Ok(Ok(reply)) => Ok(Some(reply)),
                Ok(Err(failure)) => Err(failure.to_string()),
                Err(_) => Ok(None),
            }
        })
    }

    /// Stops it.
    pub fn stop(&self) {
        self.stop.abort();
    }

    /// Changes the pace of a run that goes slowly: milliseconds before each operation.
    #[wasm_bindgen(js_name = setPace)]
    pub fn set_pace(&self, milliseconds: u32) {
        self.instruments().slow_motion.set(milliseconds);
    }

    /// Changes whenever there is more to see.
    #[wasm_bindgen(getter)]
    pub fn version(&self) -> u32 {
        self.instruments().recording.version() as u32
    }

    /// The sequence diagram so far, as an SVG document.
    #[wasm_bindgen(getter)]
    pub fn svg(&self) -> String {
        self.instruments().recording.to_svg()
    }

    /// The sequence diagram so far, as Mermaid source.
    #[wasm_bindgen(getter)]
    pub fn mermaid(&self) -> String {
        self.instruments().recording.to_mermaid()
    }

    /// What Metrics has counted: Alice's sends, her receives, Bob's sends, and his receives. Of each
    /// how many, how many failed, their bytes, how many had to wait, and how many microseconds these
    /// waited on average.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn counters(&self) -> Vec<f64> {
        counters(self.plan.counted())
    }

    /// What Trace has told since this was called last, a line each.
    #[wasm_bindgen(js_name = takeTrace)]
    pub fn take_trace(&self) -> String {
        self.instruments().log.take()
    }

    fn instruments(&self) -> &Instruments {
        &self.plan.instruments
    }
}

impl Run {
    pub(crate) fn of(plan: Plan) -> Self {
        let (stop, stopped) = AbortHandle::new_pair();
        Self {
            plan: Rc::new(plan),
            stop,
            stopped: Cell::new(Some(stopped)),
        }
    }
}

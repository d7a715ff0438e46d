use choreo::middleware::{MetricsSnapshot, OperationMetrics};
use js_sys::Object;
use wasm_bindgen::prelude::*;

/// The lines of the table for one role.
pub(crate) fn counters(role: &str, metrics: &MetricsSnapshot) -> Vec<Counter> {
    let lines = metrics.peers.iter().flat_map(|peer| {
        let sent = (format!("send to {}", peer.peer), peer.send);
        let received = (format!("receive from {}", peer.peer), peer.recv);
        [sent, received]
    });
    lines
        .filter(|(_, metrics)| metrics.count + metrics.errors > 0)
        .map(|(operation, metrics)| Counter::from_metrics(role, &operation, &metrics))
        .collect()
}

#[wasm_bindgen(typescript_custom_section)]
const TYPESCRIPT: &str = "
/** What one role did with its peer. */
export interface Counter {
    role: string;
    operation: string;
    count: number;
    errors: number;
    bytes: number;
    /** How many had to wait. */
    waited: number;
    /** How long these waited on average, in milliseconds. */
    wait?: number;
}
";

#[wasm_bindgen]
extern "C" {
    /// A plain JavaScript object: one line of the table.
    #[wasm_bindgen(extends = Object, typescript_type = "Counter")]
    #[derive(Clone)]
    pub type Counter;

    #[wasm_bindgen(method, setter)]
    fn set_role(this: &Counter, role: &str);
    #[wasm_bindgen(method, setter)]
    fn set_operation(this: &Counter, operation: &str);
    #[wasm_bindgen(method, setter)]
    fn set_count(this: &Counter, count: f64);
    #[wasm_bindgen(method, setter)]
    fn set_errors(this: &Counter, errors: f64);
    #[wasm_bindgen(method, setter)]
    fn set_bytes(this: &Counter, bytes: f64);
    #[wasm_bindgen(method, setter)]
    fn set_waited(this: &Counter, waited: f64);
    #[wasm_bindgen(method, setter)]
    fn set_wait(this: &Counter, milliseconds: Option<f64>);
}

impl Counter {
    fn from_metrics(role: &str, operation: &str, metrics: &OperationMetrics) -> Self {
        let counter = Object::new().unchecked_into::<Self>();
        counter.set_role(role);
        counter.set_operation(operation);
        counter.set_count(metrics.count as f64);
        counter.set_errors(metrics.errors as f64);
        counter.set_bytes(metrics.bytes as f64);
        counter.set_waited(metrics.waited as f64);
        counter.set_wait(
            metrics
                .waits
                .mean()
                .map(|wait| wait.as_secs_f64() * 1_000.0),
        );
        counter
    }
}

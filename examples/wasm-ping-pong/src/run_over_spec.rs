//! A run over the stack of a spec, and what a page needs to edit one.

use choreo::middleware::MetricsSnapshot;
use choreo::plugin::PluginKind;
use choreo::plugins;
use wasm_bindgen::prelude::*;

use crate::protocol::Role;
use crate::stack::Instruments;
use crate::{Failure, Options, Run, Spec};

/// What a run does, and what it writes into.
pub(crate) struct Plan {
    options: Options,
    spec: Spec,
    pub(crate) instruments: Instruments,
}

#[wasm_bindgen]
impl Run {
    /// A run that has not started: what Alice says and how often, over which stack, a spec in JSON,
    /// and how many milliseconds to wait before each operation.
    ///
    /// # Errors
    /// What is wrong with the spec, with line and column.
    #[wasm_bindgen(js_name = overSpec)]
    pub fn over_spec(message: String, rounds: u32, spec: &str, pace: u32) -> Result<Self, JsError> {
        let spec = read(spec)?;
        let options = Options {
            rounds: rounds as usize,
            trace: spec.has("trace"),
            retry: spec.has("retry"),
            pace,
            ..Options::new(message)
        };
        Ok(Self::of(Plan {
            instruments: Instruments::new(&options),
            options,
            spec,
        }))
    }
}

/// What the stack of a spec is made of, for JavaScript: `Trace<Retry<InMemory>>`.
///
/// # Errors
/// What is wrong with the spec, with line and column.
#[wasm_bindgen(js_name = describeSpec)]
pub fn describe_spec(spec: &str) -> Result<String, JsError> {
    read(spec).map(|spec| spec.describe().to_owned())
}

/// The JSON Schemas of all handlers and layers that a spec may name, for JavaScript: an object with
/// a list of each.
#[must_use]
#[wasm_bindgen(js_name = specSchemas)]
pub fn spec_schemas() -> String {
    let registry = plugins::registry().unwrap_or_default();
    let schemas = |kind| {
        let plugins = registry.iter().filter(|plugin| plugin.kind() == kind);
        let schemas: Vec<String> = plugins.map(|plugin| plugin.schema()).collect();
        schemas.join(",")
    };
    let (handlers, layers) = (schemas(PluginKind::Handler), schemas(PluginKind::Layer));
    format!(r#"{{"handlers":[{handlers}],"layers":[{layers}]}}"#)
}

impl Plan {
    pub(crate) async fn play(&self) -> Result<String, Failure> {
        self.spec.play(&self.options, &self.instruments).await
    }

    /// What Metrics has counted of Alice, and of Bob.
    pub(crate) fn counted(&self) -> [MetricsSnapshot; 2] {
        [Role::Alice, Role::Bob].map(|role| self.spec.counted(role))
    }
}

fn read(spec: &str) -> Result<Spec, JsError> {
    Spec::read(spec).map_err(|error| JsError::new(error.detail()))
}

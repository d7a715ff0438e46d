use std::fmt;

use choreo::{Error, ErrorKind, Operation};
use wasm_bindgen::prelude::*;

use crate::Options;

/// Why a run failed, in words for the person at the page.
///
/// In JavaScript it is an `Error` with the further properties `advice`, and where they apply
/// `detail` and `field`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What failed, and where.
    pub what: String,
    /// What to try.
    pub advice: String,
    /// What the library says.
    pub detail: Option<String>,
    /// The id of the field to change.
    pub field: Option<&'static str>,
}

impl Failure {
    /// Something to put right before anything can run.
    pub(crate) fn input(
        field: &'static str,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            what: what.into(),
            advice: advice.into(),
            detail: None,
            field: Some(field),
        }
    }

    /// What stopped the role of that name.
    pub(crate) fn of_run(role: &str, error: Error, options: &Options) -> Self {
        let error = error.with_role(role);
        let peer = error.peer().unwrap_or("its peer");
        let tried = match error.operation() {
            Some(Operation::Send) => format!("could not send to {peer}"),
            Some(Operation::Recv) => format!("could not receive from {peer}"),
            Some(Operation::Choose) => format!("could not tell {peer} its choice"),
            Some(Operation::Offer) => format!("could not learn what {peer} has chosen"),
            None => "stopped".to_owned(),
        };
        let (why, advice) = match error.kind() {
            ErrorKind::Injected if options.retry => (
                "the Faults layer made each attempt fail, until Retry gave up",
                "Lower the rate of faults, or take another seed.",
            ),
            ErrorKind::Injected => (
                "the Faults layer made it fail, on purpose",
                "Tick Retry: it sends again what was not sent. Or lower the rate of faults.",
            ),
            ErrorKind::Closed => ("the other side has left", "Run it again."),
            ErrorKind::Timeout => ("it took too long", "Run it again."),
            _ => (error.detail(), "Reload the page and run it again."),
        };
        Self {
            what: format!("{role} {tried}: {why}."),
            advice: advice.to_owned(),
            detail: Some(error.to_string()),
            field: None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what, self.advice)
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        let error = JsFailure::new(&failure.what);
        error.set_advice(failure.advice);
        error.set_detail(failure.detail);
        error.set_field(failure.field);
        error.into()
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = Error)]
    type JsFailure;

    #[wasm_bindgen(constructor, js_class = "Error")]
    fn new(message: &str) -> JsFailure;
    #[wasm_bindgen(method, setter)]
    fn set_advice(this: &JsFailure, advice: String);
    #[wasm_bindgen(method, setter)]
    fn set_detail(this: &JsFailure, detail: Option<String>);
    #[wasm_bindgen(method, setter)]
    fn set_field(this: &JsFailure, field: Option<&str>);
}

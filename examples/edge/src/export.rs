use wasm_bindgen::prelude::*;

use crate::buy;
use crate::protocol::Wish;

/// The buyer, for JavaScript: as [`buy`], and says in words how it ended.
///
/// # Errors
/// As [`buy`]; JavaScript gets an `Error` with the whole report.
#[wasm_bindgen(js_name = buy)]
pub async fn buy_as_text(
    seller: String,
    session: String,
    goods: String,
    count: u32,
    most_cents: u32,
) -> Result<String, JsError> {
    let wish = Wish { goods, count };
    match buy(&seller, &session, &wish, most_cents.into()).await {
        Ok(outcome) => Ok(outcome.to_string()),
        Err(error) => Err(JsError::new(&error.report())),
    }
}

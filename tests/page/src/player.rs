use choreo_chaos::conversation::Part;
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// One role's part in the conversation, in a window or in a worker.
#[wasm_bindgen]
pub struct Player {
    part: Part,
}

#[wasm_bindgen]
impl Player {
    /// The role that these [`Settings`](choreo_chaos::conversation::Settings) name, as JSON.
    ///
    /// # Errors
    /// When they are no such settings.
    #[wasm_bindgen(constructor)]
    pub fn new(settings: &str) -> Result<Self, JsError> {
        let settings = serde_json::from_str(settings)?;
        Ok(Self {
            part: Part::new(settings),
        })
    }

    /// Joins, plays and leaves. How that went is in the account.
    pub async fn play(&self) {
        // Its error is there, too.
        let _ = self.part.play().await;
    }

    /// How it is: an [`Account`](choreo_chaos::conversation::Account), as JSON.
    ///
    /// # Errors
    /// None is known.
    #[wasm_bindgen(getter)]
    pub fn account(&self) -> Result<String, JsError> {
        Ok(serde_json::to_string(&self.part.account())?)
    }
}

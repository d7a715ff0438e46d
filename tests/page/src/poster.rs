use choreo::fetch::FetchTransport;
use choreo::prelude::*;
use choreo::{Bytes, Transport};
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// What is sent, and comes back.
const MESSAGE: Bytes = Bytes::from_static(&[7; 64]);

/// A connection over HTTP, to a server that sends back what it gets.
#[wasm_bindgen]
pub struct Poster {
    transport: FetchTransport,
}

#[wasm_bindgen]
impl Poster {
    /// Opens the connection.
    ///
    /// # Errors
    /// When the server does not let it.
    pub async fn open(url: String) -> Result<Self, JsError> {
        let connector = FetchConnector::new(url).map_err(told)?;
        let transport = connector.open().await.map_err(told)?;
        Ok(Self { transport })
    }

    /// Sends so many messages of 64 bytes, and awaits the answer to each.
    ///
    /// # Errors
    /// When the connection breaks, or an answer is not what was sent.
    pub async fn round_trips(&self, count: u32) -> Result<(), JsError> {
        for _ in 0..count {
            self.transport.send(MESSAGE).await.map_err(told)?;
            if self.transport.recv().await.map_err(told)? != Some(MESSAGE) {
                return Err(JsError::new("the answer is another"));
            }
        }
        Ok(())
    }

    /// Leaves.
    ///
    /// # Errors
    /// When that cannot be said.
    pub async fn leave(self) -> Result<(), JsError> {
        self.transport.close().await.map_err(told)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn told(error: choreo::Error) -> JsError {
    JsError::new(&error.report())
}

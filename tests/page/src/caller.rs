use choreo::prelude::*;
use choreo_chaos::exchange::{Role, endpoint};
use serde_bytes::ByteArray;
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// How many bytes there are in a message.
const SIZE: usize = 64;

/// Alice, who calls a Bob that sends back what he gets.
#[wasm_bindgen]
pub struct Caller {
    handler: RumpsteakHandler<Role>,
    endpoint: RumpsteakEndpoint<Role>,
    session: Session,
}

#[wasm_bindgen]
impl Caller {
    /// Calls the Bob at that address.
    ///
    /// # Errors
    /// When he does not answer.
    pub async fn join(url: String) -> Result<Self, JsError> {
        let connector = WebSocketConnector::new(url).map_err(told)?;
        let config = SessionConfig::new("round trips", Role::Alice, [Role::Bob]);
        let session = Session::join(connector, config).await.map_err(told)?;
        Ok(Self {
            handler: RumpsteakHandler::new(),
            endpoint: endpoint(Role::Alice, &session, [Role::Bob]).map_err(told)?,
            session,
        })
    }

    /// Sends so many messages of 64 bytes, and awaits the answer to each.
    ///
    /// # Errors
    /// When the session is lost, or an answer is not what was sent.
    pub async fn round_trips(&self, count: u32) -> Result<(), JsError> {
        let sent = ByteArray::new([7; SIZE]);
        for _ in 0..count {
            self.handler
                .send(&self.endpoint, Role::Bob, &sent)
                .await
                .map_err(told)?;
            let answer: ByteArray<SIZE> = self
                .handler
                .recv(&self.endpoint, Role::Bob)
                .await
                .map_err(told)?;
            if answer != sent {
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
        self.session.close().await.map_err(told)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
fn told(error: choreo::Error) -> JsError {
    JsError::new(&error.report())
}

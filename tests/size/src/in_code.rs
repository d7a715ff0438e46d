//! The parts in code.

use std::sync::Arc;
use std::time::Duration;

use choreo::fetch::FetchConnector;
use choreo::middleware::{
    FaultInjectionLayer, MetricsLayer, MonitorLayer, RecordLayer, Recording, RetryLayer,
    TimeoutLayer, TraceLayer,
};
use choreo::prelude::*;
use choreo::protocol::Global;
use choreo::session::{Session, SessionConfig};
use choreo::websocket::WebSocketConnector;
use choreo::{Connect, RumpsteakEndpoint, RumpsteakHandler};
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// Says something to a peer over the stack.
///
/// # Errors
/// When it cannot be built, or the peer does not hear.
#[wasm_bindgen]
pub async fn stack(text: String) -> Result<(), JsError> {
    build(&text)
        .await
        .map_err(|error| JsError::new(&error.to_string()))
}

async fn build(text: &str) -> Result<()> {
    let connect: Arc<dyn Connect> = match text {
        "fetch" => Arc::new(FetchConnector::new(text)?.long_polls()),
        _ => Arc::new(WebSocketConnector::new(text)?.protocols([text])?),
    };
    let (me, you) = (RoleName::from(text), RoleName::from("Bob"));
    let global = Global::new(text);
    let endpoint = RumpsteakEndpoint::new(me.clone());
    let handler: DynHandler = match text {
        "inmemory" => InMemoryNetwork::new().join(me.clone())?.boxed(),
        "rumpsteak" => {
            endpoint.register_transport(you.clone(), connect.connect().await?);
            RumpsteakHandler::new().bind(endpoint).boxed()
        }
        _ => {
            let config = SessionConfig::new(text, me.clone(), [you.clone()])
                .with_token(text.to_owned())
                .with_fingerprint(global.fingerprint());
            let session = Session::join(connect, config).await?;
            endpoint.register_transports(session.transports([you.clone()])?);
            RumpsteakHandler::new().bind(endpoint).boxed()
        }
    };
    let local = global
        .project(text)
        .map_err(|fault| Error::new(ErrorKind::Config, fault.to_string()))?;
    let handler = handler.layer(FaultInjectionLayer::new()).boxed();
    let handler = handler
        .layer(RetryLayer::new(3, Duration::from_secs(1)))
        .boxed();
    let handler = handler
        .layer(TimeoutLayer::new(Duration::from_secs(1)))
        .boxed();
    let handler = handler
        .layer(RecordLayer::new(me.clone(), &Recording::new()))
        .boxed();
    let handler = handler.layer(MetricsLayer::new()).boxed();
    let handler = handler.layer(MonitorLayer::new(local)).boxed();
    let handler = handler.layer(TraceLayer::new(me)).boxed();
    handler.send(&(), you, &"hello").await
}

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{State, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get};
use choreo::websocket::WebSocketAcceptor;
use tower_http::services::ServeDir;

use crate::Bob;

/// The page, with the address at which it finds Bob.
const PAGE: &str = "/two-browsers/?role=Alice&relay=/bob";

/// Serves the pages in a folder of examples, and Bob at `/bob`, to pages of this server and to
/// programs that are no browsers.
pub fn server(bob: Bob, examples: &Path) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::temporary(PAGE) }))
        .route("/bob", any(call))
        .fallback_service(ServeDir::new(examples))
        .with_state(Arc::new(bob))
}

async fn call(
    State(bob): State<Arc<Bob>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !same_origin(&headers) {
        let why = "pages of other servers may not call Bob\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    WebSocketAcceptor::new().upgrade(upgrade, async move |connection| {
        if let Err(error) = bob.serve(connection).await {
            eprintln!("a conversation ended: {}", error.report());
        }
    })
}

/// Whether a call comes from a page of this server, or from a program that names no page.
///
/// Browsers let any page connect to any server; it is the server that must look.
fn same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let page = origin.to_str().ok().and_then(|origin| {
        let (_, host) = origin.split_once("://")?;
        Some(host)
    });
    page.is_some() && page == host
}

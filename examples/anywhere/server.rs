//! A server that plays Bob at `/ping-pong` and Nought at `/tic-tac-toe`, with whoever calls.

use std::sync::Arc;

use axum::Router;
use axum::extract::WebSocketUpgrade;
use axum::routing::any;
use choreo::prelude::*;
use choreo::session::{Accepted, Acceptor, Anyone, Terms};
use choreo::websocket::{WebSocketAcceptor, WebSocketTransport};
use choreo::{BoxFuture, ProtocolRole};

use crate::{ping_pong, tic_tac_toe};

/// Both roles.
///
/// # Errors
/// When the platform gives no random numbers.
pub(crate) fn server() -> Result<Router> {
    let bob = route("/ping-pong", ping_pong::Role::Bob, |seat| {
        Box::pin(async move {
            ping_pong::bob(&seat).await?;
            seat.close().await
        })
    })?;
    let nought = route("/tic-tac-toe", tic_tac_toe::Role::Nought, |seat| {
        Box::pin(async move {
            tic_tac_toe::nought(&seat, &()).await?;
            seat.close().await
        })
    })?;
    Ok(bob.merge(nought))
}

/// Plays a role with each that calls, in a session of its own.
fn route<R: ProtocolRole>(path: &str, role: R, plays: Plays<R>) -> Result<Router> {
    let acceptor = Arc::new(Acceptor::playing(role, Anyone, Terms::default())?);
    let call = move |upgrade: WebSocketUpgrade| {
        let acceptor = Arc::clone(&acceptor);
        let response = WebSocketAcceptor::new().upgrade(upgrade, async move |connection| {
            if let Err(error) = answer(&acceptor, role, plays, connection).await {
                eprintln!("a game ended: {}", error.report());
            }
        });
        std::future::ready(response)
    };
    Ok(Router::new().route(path, any(call)))
}

/// What a role does.
type Plays<R> = fn(Seat<R>) -> BoxFuture<'static, Result<()>>;

async fn answer<R: ProtocolRole>(
    acceptor: &Acceptor,
    role: R,
    plays: Plays<R>,
    connection: WebSocketTransport,
) -> Result<()> {
    match acceptor.accept(connection).await? {
        Accepted::Joined(session) => plays(Seat::new(role, session)?).await,
        // The game goes on over the new connection.
        Accepted::Resumed { .. } => Ok(()),
    }
}

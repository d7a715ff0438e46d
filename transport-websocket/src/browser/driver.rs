use std::sync::Arc;
use std::time::Duration;

use choreo_core::{Result, runtime};

use super::connection::{Connection, Shared, Work};
use super::socket::Socket;
use crate::WebSocketConnector;

/// How soon the browser is asked again what it still holds, since it does not tell by itself: at
/// first, and at last.
const ASK: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(64)];

/// Begins to connect, and starts the task that owns the browser's WebSocket.
///
/// It ends when the connection does, or the transport is dropped. While nothing happens it sleeps
/// without a timer.
pub(crate) fn start(connector: &WebSocketConnector) -> Result<Connection> {
    let shared = Arc::new(Shared::new(connector.limits, connector.address.to_string()));
    let socket = Socket::new(connector, &shared)?;
    runtime::spawn_local(drive(socket, shared.clone()));
    Ok(Connection::new(shared))
}

async fn drive(socket: Socket, shared: Arc<Shared>) {
    let mut pause = ASK[0];
    loop {
        match shared.work().await {
            Work::Send(frames) => {
                frames.iter().for_each(|frame| socket.send(frame));
            }
            Work::MakeRoom if shared.buffered(socket.buffered()) => pause = ASK[0],
            Work::MakeRoom => {
                runtime::sleep(pause).await;
                pause = ASK[1].min(pause * 2);
            }
            Work::Close(code, reason) => {
                socket.close(code, &reason);
                let limit = shared.limits().close_timeout;
                if runtime::timeout(limit, shared.over()).await.is_err() {
                    shared.not_closed();
                }
                return;
            }
            Work::Nothing => return,
        }
    }
}

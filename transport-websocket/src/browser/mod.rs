mod connection;
mod driver;
mod socket;

use choreo_core::{Address, Result};

pub(crate) use connection::Connection;

use crate::{WebSocketConnector, WebSocketTransport};

/// The rest is known when the browser is asked for a WebSocket.
#[expect(clippy::unnecessary_wraps, reason = "as natively")]
pub(crate) fn check(_: &Address) -> Result<()> {
    Ok(())
}

pub(crate) async fn open(connector: &WebSocketConnector) -> Result<WebSocketTransport> {
    let connection = driver::start(connector)?;
    let protocol = connection.opened().await?;
    Ok(WebSocketTransport::new(connection, protocol))
}

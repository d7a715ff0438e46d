use choreo_core::{Address, Error, ErrorKind, Result};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::{Request, Response};
use tokio_tungstenite::tungstenite::http::header::{
    HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL,
};

use super::connection::Connection;
use super::socket::{Socket, config};
use crate::{WebSocketConnector, WebSocketTransport};

/// What a connector has natively besides.
#[derive(Clone, Default)]
pub(crate) struct Options {
    headers: Vec<(HeaderName, HeaderValue)>,
    #[cfg(feature = "tls")]
    trust: choreo_tls::Trust,
}

/// Natively only.
impl WebSocketConnector {
    /// Sends a header of your own when it opens a connection, natively: `Origin`, say.
    ///
    /// Browsers have no such thing: what must work there goes into the first message.
    ///
    /// # Errors
    /// `Config` if the name or the value cannot stand in a header, or the name is one of the
    /// handshake's own.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self> {
        let refused = |what: &str| {
            let shown = name.escape_debug();
            Error::new(ErrorKind::Config, format!("header `{shown}`: {what}"))
        };
        let own = ["connection", "host", "upgrade"];
        let lower = name.to_ascii_lowercase();
        if own.contains(&lower.as_str()) || lower.starts_with("sec-websocket-") {
            return Err(refused("the handshake sets it itself"));
        }
        let name = HeaderName::try_from(lower).map_err(|_| refused("no valid name"))?;
        let value = HeaderValue::try_from(value).map_err(|_| refused("no valid value"))?;
        self.native.headers.push((name, value));
        Ok(self)
    }

    /// Trusts a certificate besides those that the system trusts: one's own authority, or a
    /// self-signed one. In DER form.
    ///
    /// # Errors
    /// `Config` if it is no certificate.
    #[cfg(feature = "tls")]
    pub fn trust(mut self, certificate: impl Into<Vec<u8>>) -> Result<Self> {
        self.native.trust.add(certificate)?;
        Ok(self)
    }
}

/// What can be told about an address before connecting.
pub(crate) fn check(address: &Address) -> Result<()> {
    request(address)?;
    if address.scheme() == "wss" && !cfg!(feature = "tls") {
        let detail = format!("{address} needs the feature `tls` of choreo-transport-websocket");
        return Err(Error::new(ErrorKind::Config, detail));
    }
    Ok(())
}

pub(crate) async fn open(connector: &WebSocketConnector) -> Result<WebSocketTransport> {
    let address = &connector.address;
    let mut request = request(address)?;
    let headers = request.headers_mut();
    headers.extend(connector.native.headers.iter().cloned());
    if !connector.protocols.is_empty() {
        let protocols = HeaderValue::try_from(connector.protocols.join(", "));
        let protocols = protocols.map_err(|error| {
            Error::new(ErrorKind::Config, "the subprotocols are no header").with_source(error)
        })?;
        headers.insert(SEC_WEBSOCKET_PROTOCOL, protocols);
    }
    let unreachable = |error: std::io::Error| {
        let detail = format!("{address}: cannot connect: {error}");
        Error::new(ErrorKind::Transport, detail)
    };
    let stream = TcpStream::connect((address.host(), address.port()));
    let stream = stream.await.map_err(unreachable)?;
    // Frames are gathered here already; waiting for more would only delay them.
    stream.set_nodelay(true).map_err(unreachable)?;
    #[cfg(feature = "tls")]
    if address.scheme() == "wss" {
        let secured = connector.native.trust.connect(address, stream).await;
        let stream = secured.map_err(|error| error.context(address))?;
        return handshake(connector, request, stream).await;
    }
    handshake(connector, request, stream).await
}

async fn handshake<S>(
    connector: &WebSocketConnector,
    request: Request,
    stream: S,
) -> Result<WebSocketTransport>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    tokio_tungstenite::WebSocketStream<S>: Socket,
{
    let place = connector.address.to_string();
    let limits = connector.limits;
    let opened = client_async_with_config(request, stream, Some(config(&limits))).await;
    let (socket, response) = opened.map_err(|error| refused(&place, error))?;
    let connection = Connection::new(socket, limits, place);
    Ok(WebSocketTransport::new(connection, chosen(&response)))
}

fn request(address: &Address) -> Result<Request> {
    address.url().into_client_request().map_err(|error| {
        let detail = format!("{address} is not a valid address");
        Error::new(ErrorKind::Config, detail).with_source(error)
    })
}

/// The subprotocol that the server has chosen.
fn chosen(response: &Response) -> String {
    let protocol = response.headers().get(SEC_WEBSOCKET_PROTOCOL);
    let protocol = protocol.and_then(|protocol| protocol.to_str().ok());
    protocol.unwrap_or_default().to_owned()
}

/// The server was reached, but no WebSocket came of it.
fn refused(place: &str, error: tungstenite::Error) -> Error {
    let tungstenite::Error::Http(response) = &error else {
        let detail = format!("{place}: no WebSocket was opened: {error}");
        return Error::new(ErrorKind::Transport, detail).with_source(error);
    };
    let status = response.status();
    // Asking again helps where the server is busy, not where it refuses.
    let later = matches!(status.as_u16(), 408 | 425 | 429);
    let kind = if status.is_client_error() && !later {
        ErrorKind::Config
    } else {
        ErrorKind::Transport
    };
    let detail = format!("{place}: the server has answered {status} instead of a WebSocket");
    Error::new(kind, detail).with_source(error)
}

use choreo_core::{Error, ErrorKind, Result, runtime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{
    Callback, ErrorResponse, Request, Response,
};
use tokio_tungstenite::tungstenite::http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};

use crate::connector::check_protocols;
use crate::platform::{Connection, config};
use crate::{Limits, WebSocketTransport};

/// Accepts what a connector opens, natively: a role in a server needs nothing between it and a browser.
///
/// ```no_run
/// use choreo_core::{Result, Transport};
/// use choreo_transport_websocket::WebSocketAcceptor;
/// use tokio::net::TcpListener;
///
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let acceptor = WebSocketAcceptor::new();
/// let listener = TcpListener::bind("127.0.0.1:9000").await?;
/// loop {
///     let (stream, _) = listener.accept().await?;
///     stream.set_nodelay(true)?;
///     let acceptor = acceptor.clone();
///     tokio::spawn(async move {
///         let transport = acceptor.accept(stream).await?;
///         while let Some(frame) = transport.recv().await? {
///             transport.send(frame).await?;
///         }
///         Result::<()>::Ok(())
///     });
/// }
/// # }
/// ```
///
/// # TLS
/// [`accept`](Self::accept) takes any stream, that of a `tokio_rustls::TlsAcceptor` too:
/// `acceptor.accept(tls.accept(stream).await?).await?`. Behind axum, `axum-server` brings TLS.
///
/// # Who is there
/// Anyone, from any page: the origin is not looked at, and neither are cookies. Authenticate in
/// the first message.
#[derive(Clone, Debug, Default)]
pub struct WebSocketAcceptor {
    protocols: Vec<String>,
    limits: Limits,
}

impl WebSocketAcceptor {
    /// An acceptor with the default limits and no subprotocols.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses the first of these subprotocols that the client offers.
    ///
    /// # Errors
    /// As [`WebSocketConnector::protocols`](crate::WebSocketConnector::protocols).
    pub fn protocols<P: Into<String>>(
        mut self,
        protocols: impl IntoIterator<Item = P>,
    ) -> Result<Self> {
        self.protocols = check_protocols(protocols)?;
        Ok(self)
    }

    /// What a connection may take.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Opens a WebSocket on a stream on which a client asks for one.
    ///
    /// For a `TcpStream`, call `set_nodelay(true)` first: frames are gathered here already.
    ///
    /// # Errors
    /// `Transport` if the client asks for something else, for nothing in time, or breaks off.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    ///
    /// # Cancel safety
    /// The stream is dropped.
    pub async fn accept<S>(&self, stream: S) -> Result<WebSocketTransport>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let failed = |detail: String| Error::new(ErrorKind::Transport, detail);
        let mut choice = None;
        let choose = Choose {
            protocols: &self.protocols,
            choice: &mut choice,
        };
        let accept = accept_hdr_async_with_config(stream, choose, Some(config(&self.limits)));
        let accepted = runtime::timeout(self.limits.open_timeout, accept).await;
        let accepted = accepted.map_err(|elapsed| {
            failed(format!("no client asked for a WebSocket: {elapsed}")).with_source(elapsed)
        })?;
        let socket = accepted.map_err(|error| {
            failed(format!("the client opened no WebSocket: {error}")).with_source(error)
        })?;
        let connection = Connection::new(socket, self.limits, CLIENT.to_owned());
        Ok(WebSocketTransport::new(
            connection,
            choice.unwrap_or_default(),
        ))
    }

    /// Opens a WebSocket for a request to an axum server, and gives it to `serve`, which runs in
    /// a task of its own.
    ///
    /// ```no_run
    /// use axum::{Router, extract::WebSocketUpgrade, routing::any};
    /// use choreo_core::Transport;
    /// use choreo_transport_websocket::{WebSocketAcceptor, WebSocketTransport};
    ///
    /// async fn echo(transport: WebSocketTransport) {
    ///     while let Ok(Some(frame)) = transport.recv().await {
    ///         if transport.send(frame).await.is_err() {
    ///             break;
    ///         }
    ///     }
    /// }
    ///
    /// let acceptor = WebSocketAcceptor::new();
    /// let app: Router = Router::new()
    ///     .route("/echo", any(async move |upgrade: WebSocketUpgrade| acceptor.upgrade(upgrade, echo)));
    /// ```
    #[cfg(feature = "axum")]
    #[must_use = "axum opens the WebSocket when it sends this response"]
    pub fn upgrade<F, T>(
        &self,
        upgrade: axum::extract::WebSocketUpgrade,
        serve: F,
    ) -> axum::response::Response
    where
        F: FnOnce(WebSocketTransport) -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        let (config, limits) = (config(&self.limits), self.limits);
        upgrade
            .read_buffer_size(config.read_buffer_size)
            .write_buffer_size(config.write_buffer_size)
            .max_message_size(limits.max_frame)
            .max_frame_size(limits.max_frame)
            .protocols(self.protocols.iter().cloned())
            .on_upgrade(move |socket| {
                let protocol = socket
                    .protocol()
                    .and_then(|protocol| protocol.to_str().ok());
                let protocol = protocol.unwrap_or_default().to_owned();
                let connection = Connection::new(socket, limits, CLIENT.to_owned());
                serve(WebSocketTransport::new(connection, protocol))
            })
    }
}

/// What errors call the other side.
const CLIENT: &str = "WebSocket client";

/// Picks a subprotocol during the handshake.
struct Choose<'a> {
    protocols: &'a [String],
    choice: &'a mut Option<String>,
}

impl Callback for Choose<'_> {
    fn on_request(
        self,
        request: &Request,
        mut response: Response,
    ) -> Result<Response, ErrorResponse> {
        let offered = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
        let offered: Vec<&str> = offered
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|list| list.split(',').map(str::trim))
            .collect();
        let choice = self
            .protocols
            .iter()
            .find(|ours| offered.contains(&ours.as_str()));
        if let Some(choice) = choice
            && let Ok(value) = HeaderValue::try_from(choice)
        {
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, value);
            *self.choice = Some(choice.clone());
        }
        Ok(response)
    }
}

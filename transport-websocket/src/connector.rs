use std::fmt;

use choreo_core::{Address, Connect, Error, ErrorKind, Result, Transport, async_trait};

use crate::{Limits, WebSocketTransport, platform};

/// Opens a WebSocket to one address, again and again, in browsers, in workers and natively.
///
/// ```no_run
/// use choreo_core::{Bytes, Result, Transport};
/// use choreo_transport_websocket::{Limits, WebSocketConnector};
/// use std::time::Duration;
///
/// # async fn f() -> Result<()> {
/// let connector = WebSocketConnector::new("ws://localhost:9000/game")?
///     .protocols(["choreo.v1"])?
///     .limits(Limits::default().open_timeout(Duration::from_secs(3)));
/// let transport = connector.open().await?;
/// transport.send(Bytes::from_static(b"hello")).await?;
/// # Ok(())
/// # }
/// ```
///
/// Never put a secret into the address: servers and proxies write it into their logs. Authenticate
/// in the first message. (Browsers send no headers of ours, so nothing else works everywhere.)
#[derive(Clone)]
pub struct WebSocketConnector {
    pub(crate) address: Address,
    pub(crate) protocols: Vec<String>,
    pub(crate) limits: Limits,
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) native: platform::Options,
}

impl WebSocketConnector {
    /// A connector to a `ws://` or `wss://` address.
    ///
    /// # Errors
    /// `Config` if the address is none for a WebSocket, or has credentials or a fragment in it;
    /// natively also if it is `wss://` and the feature `tls` is off.
    pub fn new(url: impl AsRef<str>) -> Result<Self> {
        let address = Address::parse(url.as_ref(), &[("ws", 80), ("wss", 443)])?;
        platform::check(&address)?;
        Ok(Self {
            address,
            protocols: Vec::new(),
            limits: Limits::default(),
            #[cfg(not(target_arch = "wasm32"))]
            native: platform::Options::default(),
        })
    }

    /// Offers these subprotocols, the best first. The server must choose one of them.
    ///
    /// # Errors
    /// `Config` if one is given twice, or is not a token (letters, digits and some marks; base64
    /// must go without its `=` padding).
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

    /// Opens a connection, as [`connect`](Connect::connect) does, and keeps its type.
    ///
    /// # Errors
    /// `Transport` if the server cannot be reached, does not answer, or is no WebSocket server;
    /// `Config` if it never will be: natively if it refuses with a 4xx status, or its certificate
    /// is not trusted. Browsers do not tell why.
    ///
    /// # Panics
    /// Natively outside of a tokio runtime.
    ///
    /// # Cancel safety
    /// A connection that is not handed out is closed.
    pub async fn open(&self) -> Result<WebSocketTransport> {
        let place = self.address.to_string();
        let limit = self.limits.open_timeout;
        let opened = choreo_core::runtime::timeout(limit, platform::open(self)).await;
        opened.unwrap_or_else(|elapsed| {
            let detail = format!("{place}: no WebSocket was opened: {elapsed}");
            Err(Error::new(ErrorKind::Transport, detail))
        })
    }
}

#[async_trait]
impl Connect for WebSocketConnector {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        Ok(Box::new(self.open().await?))
    }
}

impl fmt::Debug for WebSocketConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketConnector")
            .field("address", &self.address.to_string())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Subprotocols that may stand in a header.
pub(crate) fn check_protocols<P: Into<String>>(
    protocols: impl IntoIterator<Item = P>,
) -> Result<Vec<String>> {
    let mut checked: Vec<String> = Vec::new();
    for protocol in protocols {
        let protocol = protocol.into();
        let token = |c: char| c.is_ascii_graphic() && !"\"(),/:;<=>?@[\\]{}".contains(c);
        // It may be a ticket, so it is not shown.
        let what = if protocol.is_empty() || !protocol.chars().all(token) {
            "is not a token: it may have letters, digits and !#$%&'*+-.^_`|~ in it (base64 goes \
             without its `=` padding)"
        } else if checked.contains(&protocol) {
            "is given twice"
        } else {
            checked.push(protocol);
            continue;
        };
        let detail = format!("subprotocol number {} {what}", checked.len() + 1);
        return Err(Error::new(ErrorKind::Config, detail));
    }
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subprotocols_are_tokens() {
        assert_eq!(check_protocols(["a.b-1", "c"]).unwrap(), ["a.b-1", "c"]);
        for bad in [
            vec![""],
            vec!["a b"],
            vec!["a,b"],
            vec!["é"],
            vec!["a", "a"],
            vec!["QQ=="],
        ] {
            let error = check_protocols(bad.clone()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config, "{bad:?}");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let connector = WebSocketConnector::new("ws://host/a?token=hunter2").unwrap();
        let shown = format!("{:?}", connector.protocols(["hunter3"]).unwrap());
        assert!(shown.contains("ws://host/a"), "{shown}");
        assert!(!shown.contains("hunter"), "{shown}");
    }
}

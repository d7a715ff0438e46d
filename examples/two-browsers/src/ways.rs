//! The ways to the server: a WebSocket, HTTP, or whichever gets through.

use choreo::Connect;
use choreo::prelude::*;

#[cfg(not(any(feature = "websocket", feature = "fetch")))]
compile_error!("there is no way to the server: turn on the feature `websocket` or `fetch`");

/// The ways to one server; clones know of each other.
#[derive(Clone)]
pub struct Ways {
    #[cfg(all(feature = "websocket", feature = "fetch"))]
    ways: choreo::Fallback,
    #[cfg(not(all(feature = "websocket", feature = "fetch")))]
    ways: std::sync::Arc<dyn Connect>,
}

/// What the ways are called, in the order in which they are tried.
const NAMES: &[&str] = &[
    #[cfg(feature = "websocket")]
    "WebSocket",
    #[cfg(feature = "fetch")]
    "HTTP",
];

impl Ways {
    /// All ways to a server at an address that begins with `ws` or `http`.
    ///
    /// # Errors
    /// When it is no address.
    pub fn new(address: &str) -> Result<Self> {
        #[cfg(feature = "websocket")]
        let websocket = WebSocketConnector::new(scheme(address, "http", "ws"))?;
        #[cfg(feature = "fetch")]
        let http = FetchConnector::new(scheme(address, "ws", "http"))?;
        #[cfg(all(feature = "websocket", feature = "fetch"))]
        let ways = choreo::Fallback::new(websocket, http);
        #[cfg(not(feature = "fetch"))]
        let ways = std::sync::Arc::new(websocket);
        #[cfg(not(feature = "websocket"))]
        let ways = std::sync::Arc::new(http);
        Ok(Self { ways })
    }

    /// Takes that way first, from the next connection on.
    pub fn prefer(&self, way: usize) {
        #[cfg(all(feature = "websocket", feature = "fetch"))]
        self.ways.prefer(way.min(NAMES.len() - 1));
        let _ = way;
    }

    /// Connects by whichever of them gets through, for a session.
    #[must_use]
    pub fn connector(&self) -> impl Connect + use<> {
        self.ways.clone()
    }

    /// What the way of the latest connection is called.
    #[must_use]
    pub fn current(&self) -> &'static str {
        #[cfg(all(feature = "websocket", feature = "fetch"))]
        let way = self.ways.current();
        #[cfg(not(all(feature = "websocket", feature = "fetch")))]
        let way = 0;
        NAMES[way]
    }
}

/// The address with another scheme, secure if it was.
fn scheme(address: &str, from: &str, to: &str) -> String {
    match address.strip_prefix(from) {
        Some(rest) => format!("{to}{rest}"),
        None => address.to_owned(),
    }
}

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use choreo_core::{Address, Connect, Result, Transport, async_trait};

use crate::{FetchTransport, Limits, client, platform};

/// Opens connections over HTTP to one address, again and again, in browsers, in workers, in Node and
/// on the edge, and natively.
///
/// ```no_run
/// use choreo_core::{Bytes, Result, Transport};
/// use choreo_transport_fetch::{FetchConnector, Limits};
/// use std::time::Duration;
///
/// # async fn f() -> Result<()> {
/// let connector = FetchConnector::new("http://localhost:9000/game")?
///     .limits(Limits::default().open_timeout(Duration::from_secs(3)));
/// let transport = connector.open().await?;
/// transport.send(Bytes::from_static(b"hello")).await?;
/// # Ok(())
/// # }
/// ```
///
/// It uses at most two connections of the system at a time: one for what goes up, one for what
/// comes down.
///
/// Never put a secret into the address: servers and proxies write it into their logs. Authenticate
/// in the first message.
#[derive(Clone)]
pub struct FetchConnector {
    pub(crate) address: Address,
    pub(crate) limits: Limits,
    pub(crate) http: platform::Http,
    /// Whether streamed answers do not come through; known for all connections once it is for one.
    pub(crate) polls: Arc<AtomicBool>,
}

impl FetchConnector {
    /// A connector to an `http://` or `https://` address.
    ///
    /// # Errors
    /// `Config` if the address is none for HTTP, or has credentials or a fragment in it.
    pub fn new(url: impl AsRef<str>) -> Result<Self> {
        let address = Address::parse(url.as_ref(), &[("http", 80), ("https", 443)])?;
        Ok(Self {
            http: platform::Http::new(&address)?,
            address,
            limits: Limits::default(),
            polls: Arc::default(),
        })
    }

    /// What a connection may take.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Asks again and again for what has come, rather than for an answer that goes on. A connector
    /// finds out by itself where that is needed, within [`Limits::stream_timeout`].
    #[must_use]
    pub fn long_polls(self) -> Self {
        self.polls.store(true, Ordering::Relaxed);
        self
    }

    /// Whether its connections go by long polls: because [`long_polls`](Self::long_polls) said so,
    /// or because streamed answers did not come through.
    #[must_use]
    pub fn is_polling(&self) -> bool {
        self.polls.load(Ordering::Relaxed)
    }

    /// Opens a connection, as [`connect`](Connect::connect) does, and keeps its type.
    ///
    /// # Errors
    /// `Transport` if the server cannot be reached, or has no room; `Config` if it never will let
    /// this in: when it refuses with another 4xx status.
    ///
    /// # Panics
    /// Natively outside of a tokio runtime.
    ///
    /// # Cancel safety
    /// A connection that is not handed out is closed.
    pub async fn open(&self) -> Result<FetchTransport> {
        let transport = client::start(self)?;
        transport.pipe().until_open().await?;
        Ok(transport)
    }
}

#[async_trait]
impl Connect for FetchConnector {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        Ok(Box::new(self.open().await?))
    }
}

impl fmt::Debug for FetchConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchConnector")
            .field("address", &self.address)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

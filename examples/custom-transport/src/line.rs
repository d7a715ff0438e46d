use std::time::Duration;

use choreo_core::runtime::timeout;
use choreo_core::{Connect, Error, ErrorKind, Result, Transport, async_trait};

use crate::platform::{Listener, call};

/// The largest frame, in bytes.
pub(crate) const MAX_FRAME: usize = 65 * 1024;

/// A line between two programs of one machine, or two tabs of one browser: one side listens at an
/// address, the other one calls it. Each [`connect`](Connect::connect) is one connection; which side
/// comes first does not matter.
///
/// Natively the address is the path of a Unix socket, in browsers the name of a `BroadcastChannel`.
///
/// ```
/// use choreo_core::{Connect, Transport};
/// use custom_transport::Line;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> choreo_core::Result<()> {
/// let path = std::env::temp_dir().join(format!("line-{}", std::process::id()));
/// let (address, patience) = (path.to_string_lossy(), Duration::from_secs(10));
/// let (listens, calls) = (Line::listen(&address, patience), Line::call(&address, patience));
///
/// let (bob, alice) = futures::try_join!(listens.connect(), calls.connect())?;
/// alice.send("hello".into()).await?;
/// assert_eq!(bob.recv().await?.as_deref(), Some(&b"hello"[..]));
/// # Ok(()) }
/// ```
pub struct Line {
    address: String,
    patience: Duration,
    listener: Option<Listener>,
}

impl Line {
    /// The side that listens. It waits for a call for at most `patience`.
    #[must_use]
    pub fn listen(address: &str, patience: Duration) -> Self {
        Self {
            address: address.to_owned(),
            patience,
            listener: Some(Listener::new(address)),
        }
    }

    /// The side that calls. It tries for at most `patience`.
    #[must_use]
    pub fn call(address: &str, patience: Duration) -> Self {
        Self {
            address: address.to_owned(),
            patience,
            listener: None,
        }
    }
}

#[async_trait]
impl Connect for Line {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        let opening = async {
            match &self.listener {
                Some(listener) => listener.accept().await,
                None => call(&self.address).await,
            }
        };
        match timeout(self.patience, opening).await {
            Ok(opened) => Ok(Box::new(opened?)),
            Err(elapsed) => {
                let detail = format!("nobody came to {:?}: {elapsed}", self.address);
                Err(Error::new(ErrorKind::Transport, detail))
            }
        }
    }
}

/// What may be sent at all.
pub(crate) fn check_size(frame: &[u8]) -> Result<()> {
    if frame.len() <= MAX_FRAME {
        return Ok(());
    }
    let detail = format!(
        "a frame of {} bytes is above the limit of {MAX_FRAME}",
        frame.len()
    );
    Err(Error::new(ErrorKind::Config, detail))
}

use std::sync::Arc;

use choreo_core::{Connect, Result, Transport, async_trait};

/// A connector whose failures are told of: a session tries again, and whoever waits for it wants to
/// know why.
pub(crate) struct Told {
    title: &'static str,
    connector: Arc<dyn Connect>,
}

impl Told {
    pub(crate) fn of(title: &'static str, connector: Arc<dyn Connect>) -> Arc<dyn Connect> {
        Arc::new(Self { title, connector })
    }
}

#[async_trait]
impl Connect for Told {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        let connected = self.connector.connect().await;
        if let Err(error) = &connected {
            tracing::warn!("{}: no connection: {}", self.title, error.report());
        }
        connected
    }
}

use std::sync::Arc;

use choreo_core::{Bytes, Result, Transport, async_trait};
use futures::future::BoxFuture;
use futures::lock::Mutex;

/// A transport whose receives come one at a time and are never dropped half-way.
///
/// So any number of tasks may receive, each frame goes to one of them, and a transport whose
/// receive is not cancel-safe loses nothing.
pub(crate) struct Turns<T> {
    /// The receive that was begun and, when whoever began it was dropped, waits for the next.
    receiving: Mutex<Option<BoxFuture<'static, Result<Option<Bytes>>>>>,
    transport: Arc<T>,
}

impl<T: Transport> Turns<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self {
            receiving: Mutex::default(),
            transport: Arc::new(transport),
        }
    }
}

#[async_trait]
impl<T: Transport + 'static> Transport for Turns<T> {
    async fn send(&self, frame: Bytes) -> Result<()> {
        self.transport.send(frame).await
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        let mut receiving = self.receiving.lock().await;
        let begun = receiving.get_or_insert_with(|| {
            let transport = Arc::clone(&self.transport);
            Box::pin(async move { transport.recv().await })
        });
        let received = begun.await;
        *receiving = None;
        received
    }

    async fn close(&self) -> Result<()> {
        self.transport.close().await
    }
}

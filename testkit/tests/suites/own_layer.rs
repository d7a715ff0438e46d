//! A layer that counts, held against the contract.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use choreo_core::{ChoreoHandler, Layer, Outgoing, Result, async_trait, forward};
use choreo_testkit::layer_suite;

/// Counts what is sent, over all handlers that it wraps.
#[derive(Clone, Default)]
struct CountLayer {
    sent: Arc<AtomicU64>,
}

struct Count<H> {
    inner: H,
    sent: Arc<AtomicU64>,
}

impl<H> Layer<H> for CountLayer {
    type Service = Count<H>;

    fn layer(&self, inner: H) -> Count<H> {
        let sent = Arc::clone(&self.sent);
        Count { inner, sent }
    }
}

#[async_trait]
impl<H: ChoreoHandler> ChoreoHandler for Count<H> {
    type Role = H::Role;
    type Endpoint = H::Endpoint;

    async fn send_payload(
        &self,
        endpoint: &Self::Endpoint,
        to: &Self::Role,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.inner.send_payload(endpoint, to, payload).await
    }

    async fn send_to_all(
        &self,
        endpoint: &Self::Endpoint,
        to: &[Self::Role],
        payload: Outgoing<'_>,
    ) -> Result<()> {
        self.sent.fetch_add(to.len() as u64, Ordering::Relaxed);
        self.inner.send_to_all(endpoint, to, payload).await
    }

    forward!(inner: recv_payload, abandon);
}

layer_suite!(CountLayer::default());

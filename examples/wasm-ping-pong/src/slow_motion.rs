use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use choreo::{
    BoxFuture, ChoreoHandler, Layer, Outgoing, Recipients, Result, forward, handler_fn, runtime,
};

/// A layer that waits before each operation, so that a person can watch.
///
/// The pace can be changed, or set to zero, while the protocol runs.
#[derive(Clone, Debug)]
pub struct SlowMotionLayer {
    milliseconds: Arc<AtomicU32>,
}

/// A handler that is watched. Made by [`SlowMotionLayer`].
#[derive(Debug)]
pub struct SlowMotion<H> {
    inner: H,
    pace: SlowMotionLayer,
}

impl SlowMotionLayer {
    /// Waits for so many milliseconds before each operation.
    #[must_use]
    pub fn new(milliseconds: u32) -> Self {
        Self {
            milliseconds: Arc::new(AtomicU32::new(milliseconds)),
        }
    }

    /// Changes the pace, from the next operation on.
    pub fn set(&self, milliseconds: u32) {
        self.milliseconds.store(milliseconds, Ordering::Relaxed);
    }

    async fn step(&self) {
        let milliseconds = self.milliseconds.load(Ordering::Relaxed);
        if milliseconds > 0 {
            runtime::sleep(Duration::from_millis(milliseconds.into())).await;
        }
    }
}

impl<H> Layer<H> for SlowMotionLayer {
    type Service = SlowMotion<H>;

    fn layer(&self, inner: H) -> SlowMotion<H> {
        SlowMotion {
            inner,
            pace: self.clone(),
        }
    }
}

impl<H: ChoreoHandler> SlowMotion<H> {
    fn send<'a>(
        &'a self,
        endpoint: &'a H::Endpoint,
        to: Recipients<'a, H::Role>,
        payload: Outgoing<'a>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.pace.step().await;
            to.send(&self.inner, endpoint, payload).await
        })
    }
}

#[deny(clippy::missing_trait_methods)]
impl<H: ChoreoHandler> ChoreoHandler for SlowMotion<H> {
    type Role = H::Role;
    type Endpoint = H::Endpoint;

    handler_fn! {
        fn send_payload(self, endpoint, to, payload) {
            self.send(endpoint, Recipients::One(to), payload)
        }
        fn send_to_all(self, endpoint, to, payload) {
            self.send(endpoint, Recipients::All(to), payload)
        }
        fn recv_payload(self, endpoint, from) {
            Box::pin(async move {
                self.pace.step().await;
                self.inner.recv_payload(endpoint, from).await
            })
        }
    }

    forward!(inner: abandon);
}

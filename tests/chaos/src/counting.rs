use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use choreo_core::{Connect, Result, Transport};
use choreo_session::Limits;
use choreo_session::wire::{Frame, Kind};

/// Counts the frames that go out over what another opens.
pub struct Counting<C> {
    inner: C,
    frames: Frames,
}

/// How many frames went out.
#[derive(Clone, Debug, Default)]
pub struct Frames(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    data: AtomicU64,
    all: AtomicU64,
}

impl Frames {
    /// Those that carry a message, or a part of one.
    #[must_use]
    pub fn data(&self) -> u64 {
        self.0.data.load(Ordering::SeqCst)
    }

    /// All.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.0.all.load(Ordering::SeqCst)
    }

    fn count(&self, mut bytes: Bytes) {
        let limit = Limits::default().frame as usize;
        while let Some(frame) = Frame::decode(&mut bytes, limit).expect("a session sends frames") {
            self.0.all.fetch_add(1, Ordering::SeqCst);
            if frame.kind == Kind::Data {
                self.0.data.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

impl<C> Counting<C> {
    /// Counts there what goes over the connections that `inner` opens.
    pub fn new(inner: C, frames: Frames) -> Self {
        Self { inner, frames }
    }
}

#[async_trait]
impl<C: Connect> Connect for Counting<C> {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        let inner = self.inner.connect().await?;
        let frames = self.frames.clone();
        Ok(Box::new(Counted { inner, frames }))
    }
}

struct Counted {
    inner: Box<dyn Transport>,
    frames: Frames,
}

#[async_trait]
impl Transport for Counted {
    async fn send(&self, frame: Bytes) -> Result<()> {
        // What is tried counts, too: whether it went out nobody knows.
        self.frames.count(frame.clone());
        self.inner.send(frame).await
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        self.inner.recv().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

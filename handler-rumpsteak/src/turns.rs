use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::Poll;

use choreo_core::{Bytes, Result, Transport};
use futures::future::BoxFuture;
use futures::lock::Mutex;

/// A transport whose receives come one at a time and are never dropped half-way.
///
/// So any number of tasks may receive, each frame goes to one of them, and a transport whose
/// receive is not cancel-safe loses nothing.
pub(crate) struct Turns<T> {
    /// The receive that was begun and, when whoever began it was dropped, waits for the next.
    receiving: Mutex<Option<BoxFuture<'static, Result<Option<Bytes>>>>>,
    /// Whether there is one.
    begun: AtomicBool,
    transport: Arc<T>,
}

impl<T: Transport> Turns<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self {
            receiving: Mutex::default(),
            begun: AtomicBool::new(false),
            transport: Arc::new(transport),
        }
    }
}

// Written out, as the inner future needs no second box.
impl<T: Transport + 'static> Transport for Turns<T> {
    fn send<'a: 'f, 'f>(&'a self, frame: Bytes) -> BoxFuture<'f, Result<()>>
    where
        Self: 'f,
    {
        self.transport.send(frame)
    }

    fn recv<'a: 'f, 'f>(&'a self) -> BoxFuture<'f, Result<Option<Bytes>>>
    where
        Self: 'f,
    {
        Box::pin(self.receive())
    }

    fn close<'a: 'f, 'f>(&'a self) -> BoxFuture<'f, Result<()>>
    where
        Self: 'f,
    {
        self.transport.close()
    }

    fn try_send(&self, frame: Bytes) -> Result<Option<Bytes>> {
        self.transport.try_send(frame)
    }

    fn try_recv(&self) -> Poll<Result<Option<Bytes>>> {
        // Who begins meanwhile receives at the same time: either may be the first.
        if self.begun.load(SeqCst) {
            return Poll::Pending;
        }
        self.transport.try_recv()
    }

    fn takes_turns(&self) -> bool {
        true
    }
}

impl<T: Transport + 'static> Turns<T> {
    async fn receive(&self) -> Result<Option<Bytes>> {
        let mut receiving = self.receiving.lock().await;
        let begun = receiving.get_or_insert_with(|| {
            self.begun.store(true, SeqCst);
            let transport = Arc::clone(&self.transport);
            Box::pin(async move { transport.recv().await })
        });
        let received = begun.await;
        *receiving = None;
        self.begun.store(false, SeqCst);
        received
    }
}

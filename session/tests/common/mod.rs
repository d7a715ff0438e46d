//! A role that is called over connections in memory, which break.
#![allow(dead_code, reason = "not every test needs all of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use choreo_core::queue::Queue;
use choreo_core::{Bytes, Connect, Error, ErrorKind, Result, Transport, async_trait};
use choreo_session::{Accepted, Acceptor, Anyone, Session, SessionConfig, Terms};
use choreo_testkit::{ReferenceTransport, reference_pair};

/// One end of a connection that breaks after so many frames, counted at both ends.
pub(crate) struct Fragile {
    inner: ReferenceTransport,
    left: Arc<AtomicUsize>,
}

/// Both ends of a connection that is good for so many frames.
pub(crate) fn fragile(frames: usize) -> (Fragile, Fragile) {
    let (here, there) = reference_pair(8);
    let left = Arc::new(AtomicUsize::new(frames));
    let end = |inner| Fragile {
        inner,
        left: Arc::clone(&left),
    };
    (end(here), end(there))
}

#[async_trait]
impl Transport for Fragile {
    async fn send(&self, frame: Bytes) -> Result<()> {
        // What a transport of 64 KiB frames and some headers takes.
        assert!(frame.len() <= 65 * 1024, "{} bytes at once", frame.len());
        let order = Ordering::SeqCst;
        let one_less = |left: usize| left.checked_sub(1);
        if self.left.fetch_update(order, order, one_less).is_err() {
            self.inner.close().await?;
            return Err(Error::new(ErrorKind::Transport, "the connection broke"));
        }
        self.inner.send(frame).await
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        self.inner.recv().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

/// Opens connections of any make to whoever takes the calls.
#[derive(Clone)]
pub(crate) struct Calls {
    calls: Arc<Queue<End>>,
    open: Arc<dyn Fn() -> (End, End) + Send + Sync>,
}

type End = Box<dyn Transport>;

impl Calls {
    pub(crate) fn new<T: Transport + 'static>(
        open: impl Fn() -> (T, T) + Send + Sync + 'static,
    ) -> Self {
        Self {
            calls: Arc::new(Queue::new(8)),
            open: Arc::new(move || {
                let (here, there) = open();
                (Box::new(here), Box::new(there))
            }),
        }
    }

    /// Lets Bob take the calls; the sessions of those who call him come out of the queue.
    pub(crate) fn taken_by(&self, bob: Acceptor) -> Arc<Queue<Session>> {
        let joined = Arc::new(Queue::new(8));
        let (calls, sessions) = (Arc::clone(&self.calls), Arc::clone(&joined));
        choreo_core::runtime::spawn(async move {
            while let Ok(call) = calls.recv().await {
                if let Ok(Accepted::Joined(session)) = bob.accept(call).await {
                    sessions.send(session).await.unwrap();
                }
            }
        });
        joined
    }
}

#[async_trait]
impl Connect for Calls {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        let (here, there) = (self.open)();
        let gone = |_| Error::new(ErrorKind::Transport, "nobody listens");
        self.calls.send(there).await.map_err(gone)?;
        Ok(here)
    }
}

/// Bob, whom anyone may call.
pub(crate) fn bob(terms: Terms) -> Acceptor {
    Acceptor::new(&"Bob", Anyone, terms).unwrap()
}

/// Alice's session, and Bob's, whom she calls over such connections.
pub(crate) async fn pair<T: Transport + 'static>(
    open: impl Fn() -> (T, T) + Send + Sync + 'static,
) -> (Session, Session) {
    let calls = Calls::new(open);
    let joined = calls.taken_by(bob(Terms::default()));
    let config = SessionConfig::new("test", "Alice", ["Bob"]);
    let alice = Session::join(calls, config).await.unwrap();
    (alice, joined.recv().await.unwrap())
}

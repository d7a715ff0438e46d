//! The way to a peer of a session keeps every promise of a transport, and endpoints over it those
//! of a handler, on connections that hold and on connections that break all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use choreo_core::queue::Queue;
use choreo_core::{Bytes, Connect, Error, ErrorKind, Result, Transport, async_trait};
use choreo_session::{Accepted, Acceptor, Anyone, PeerTransport, Session, SessionConfig, Terms};
use choreo_testkit::{ReferenceTransport, TransportFixture, reference_pair, transport_suite};

/// A connection that breaks after so many frames, counted at both ends.
struct Fragile {
    inner: ReferenceTransport,
    left: Arc<AtomicUsize>,
}

#[async_trait]
impl Transport for Fragile {
    async fn send(&self, frame: Bytes) -> Result<()> {
        let take = |left: usize| left.checked_sub(1);
        if self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
            .is_err()
        {
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

/// Connections to an acceptor.
#[derive(Clone)]
struct Calls {
    queue: Arc<Queue<Fragile>>,
    frames: usize,
}

#[async_trait]
impl Connect for Calls {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        let (here, there) = reference_pair(8);
        let left = Arc::new(AtomicUsize::new(self.frames));
        let end = |inner| Fragile {
            inner,
            left: Arc::clone(&left),
        };
        let gone = |_| Error::new(ErrorKind::Transport, "nobody listens");
        self.queue.send(end(there)).await.map_err(gone)?;
        Ok(Box::new(end(here)))
    }
}

/// Alice calls Bob, in a new session each time.
struct Sessions {
    calls: Calls,
    acceptor: Acceptor,
    number: AtomicU64,
    joined: Queue<PeerTransport>,
}

fn sessions(frames: usize) -> impl TransportFixture {
    let fixture = Arc::new(Sessions {
        calls: Calls {
            queue: Arc::new(Queue::new(8)),
            frames,
        },
        acceptor: Acceptor::new(&"Bob", Anyone, Terms::default()).unwrap(),
        number: AtomicU64::new(0),
        joined: Queue::new(8),
    });
    Fixture(fixture)
}

struct Fixture(Arc<Sessions>);

#[async_trait]
impl TransportFixture for Fixture {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        let number = self.0.number.fetch_add(1, Ordering::SeqCst);
        if number == 0 {
            let sessions = Arc::clone(&self.0);
            choreo_core::runtime::spawn(async move {
                while let Ok(call) = sessions.calls.queue.recv().await {
                    if let Ok(Accepted::Joined(session)) = sessions.acceptor.accept(call).await {
                        let to_alice = session.peer(&"Alice").unwrap();
                        sessions.joined.send(to_alice).await.unwrap();
                    }
                }
            });
        }
        let config = SessionConfig::new(format!("session {number}"), "Alice", ["Bob"]);
        let session = Session::join(self.0.calls.clone(), config).await?;
        Ok(Box::new(session.peer(&"Bob")?))
    }

    async fn accept(&self) -> Result<Box<dyn Transport>> {
        let gone = |_| Error::new(ErrorKind::Closed, "the fixture is gone");
        Ok(Box::new(self.0.joined.recv().await.map_err(gone)?))
    }

    fn bound(&self) -> usize {
        // A window of 1 MiB at the sender, and as much at the receiver.
        80
    }
}

transport_suite!(sound, sessions(usize::MAX));
transport_suite!(fragile, sessions(30));

//! The way to a peer of a session keeps every promise of a transport, and endpoints over it those
//! of a handler, on connections that hold and on connections that break all the time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use choreo_core::queue::Queue;
use choreo_core::{Error, ErrorKind, Result, Transport, async_trait};
use choreo_session::{Session, SessionConfig, Terms};
use choreo_testkit::{TransportFixture, transport_suite};

mod common;
use common::{Calls, bob, fragile};

/// Alice calls Bob, in a new session each time.
struct Sessions {
    calls: Calls,
    number: AtomicU64,
    /// Those of Bob, from the first call on: only then there is a runtime.
    joined: OnceLock<Arc<Queue<Session>>>,
}

fn sessions(frames: usize) -> impl TransportFixture {
    Sessions {
        calls: Calls::new(move || fragile(frames)),
        number: AtomicU64::new(0),
        joined: OnceLock::new(),
    }
}

impl Sessions {
    fn joined(&self) -> &Queue<Session> {
        let bob = || self.calls.taken_by(bob(Terms::default()));
        self.joined.get_or_init(bob)
    }
}

#[async_trait]
impl TransportFixture for Sessions {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        self.joined();
        let number = self.number.fetch_add(1, Ordering::SeqCst);
        let config = SessionConfig::new(format!("session {number}"), "Alice", ["Bob"]);
        let session = Session::join(self.calls.clone(), config).await?;
        Ok(Box::new(session.peer(&"Bob")?))
    }

    async fn accept(&self) -> Result<Box<dyn Transport>> {
        let gone = |_| Error::new(ErrorKind::Closed, "the fixture is gone");
        let session = self.joined().recv().await.map_err(gone)?;
        Ok(Box::new(session.peer(&"Alice")?))
    }

    fn bound(&self) -> usize {
        // A window of 1 MiB at the sender, and as much at the receiver.
        80
    }
}

transport_suite!(sound, sessions(usize::MAX));
transport_suite!(fragile, sessions(30));

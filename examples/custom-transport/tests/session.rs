//! A session over lines that break, natively and in browsers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use choreo::prelude::*;
use choreo::queue::Queue;
use choreo::runtime::{self, timeout};
use choreo::session::{Accepted, Acceptor, Anyone, Terms};
use choreo::{Bytes, Connect, Transport, async_trait};
use custom_transport::Line;
use futures::future::{Either, select};
use futures::{pin_mut, try_join};

const LONG: Duration = Duration::from_secs(30);
const MESSAGES: u32 = 300;
/// What a connection carries before it breaks.
const FRAMES: u32 = 30;

/// Opens connections that break after some frames.
struct Brittle {
    line: Line,
    opened: Arc<AtomicU32>,
}

struct BrittleEnd {
    end: Box<dyn Transport>,
    left: AtomicU32,
}

#[async_trait]
impl Connect for Brittle {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        self.opened.fetch_add(1, Relaxed);
        let end = self.line.connect().await?;
        let left = AtomicU32::new(FRAMES);
        Ok(Box::new(BrittleEnd { end, left }))
    }
}

#[async_trait]
impl Transport for BrittleEnd {
    async fn send(&self, frame: Bytes) -> Result<()> {
        let used = |left: u32| left.checked_sub(1);
        if self.left.fetch_update(Relaxed, Relaxed, used).is_err() {
            return Err(Error::new(ErrorKind::Transport, "it was brittle"));
        }
        self.end.send(frame).await
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        self.end.recv().await
    }

    async fn close(&self) -> Result<()> {
        self.end.close().await
    }
}

/// One that no other test has, natively in the folder that cargo has for tests.
fn address() -> String {
    let name = format!("session-{}", (runtime::random() * 1e15) as u64);
    option_env!("CARGO_TARGET_TMPDIR")
        .filter(|_| cfg!(not(target_arch = "wasm32")))
        .map_or(name.clone(), |folder| format!("{folder}/{name}"))
}

#[cfg_attr(not(target_arch = "wasm32"), tokio::test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
async fn a_session_over_lines_that_break_loses_nothing() {
    let address = address();
    let (listens, sessions) = (Line::listen(&address, LONG), Queue::new(1));
    let server = async {
        let acceptor = Acceptor::new(&"Bob", Anyone, Terms::default()).expect("random numbers");
        loop {
            let connection = listens.connect().await.expect("Alice calls");
            if let Ok(Accepted::Joined(session)) = acceptor.accept(connection).await {
                let waits = sessions.send(session).await;
                waits.expect("Bob waits for it");
            }
        }
    };

    let opened = Arc::new(AtomicU32::new(0));
    let calls = Brittle {
        line: Line::call(&address, LONG),
        opened: Arc::clone(&opened),
    };
    let alice = async {
        let session = Session::join(calls, SessionConfig::new("game-7", "Alice", ["Bob"])).await?;
        let to_bob = session.peer(&"Bob")?;
        for number in 0..MESSAGES {
            to_bob.send(number.to_le_bytes().to_vec().into()).await?;
            let answer = to_bob.recv().await?;
            assert_eq!(answer.as_deref(), Some(&number.to_le_bytes()[..]));
        }
        session.close().await
    };
    let bob = async {
        let session = sessions.recv().await.expect("Alice joins");
        let to_alice = session.peer(&"Alice")?;
        while let Some(frame) = to_alice.recv().await? {
            to_alice.send(frame).await?;
        }
        session.close().await
    };

    let play = async { try_join!(alice, bob) };
    pin_mut!(server, play);
    match timeout(LONG, select(server, play)).await.expect("in time") {
        Either::Left((never, _)) => never,
        Either::Right((played, _)) => drop(played.expect("nothing is lost")),
    }
    let opened = opened.load(Relaxed);
    assert!(opened > 3, "{opened} connections: nothing broke");
}

//! Connections that break at the two moments when one end cannot know what the other has seen: at
//! the welcome and at the goodbye.
#![cfg(not(target_arch = "wasm32"))]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use choreo_core::{Bytes, Error, ErrorKind, Result, Transport, async_trait};
use choreo_session::Session;
use choreo_session::wire::{Frame, Kind};
use choreo_testkit::{ReferenceTransport, reference_pair};
use tokio::time::{Instant, timeout};

mod common;

const LONG: Duration = Duration::from_secs(20);

/// One end of a connection that breaks instead of sending a certain frame.
struct Fragile {
    here: Arc<ReferenceTransport>,
    there: Arc<ReferenceTransport>,
    broken: Arc<AtomicBool>,
    breaks: Arc<Breaks>,
}

/// At which frame connections break, and how often still.
struct Breaks {
    kind: Kind,
    peer: u32,
    /// The sender is told; else it takes the frame for sent.
    told: bool,
    left: AtomicU64,
}

impl Fragile {
    fn pair(breaks: &Arc<Breaks>) -> (Self, Self) {
        let (a, b) = reference_pair(8);
        let (a, b) = (Arc::new(a), Arc::new(b));
        let broken = Arc::new(AtomicBool::new(false));
        let end = |here: &Arc<ReferenceTransport>, there: &Arc<ReferenceTransport>| Self {
            here: Arc::clone(here),
            there: Arc::clone(there),
            broken: Arc::clone(&broken),
            breaks: Arc::clone(breaks),
        };
        (end(&a, &b), end(&b, &a))
    }

    fn check(&self) -> Result<()> {
        match self.broken.load(Ordering::SeqCst) {
            true => Err(Error::new(ErrorKind::Transport, "the connection broke")),
            false => Ok(()),
        }
    }
}

impl Breaks {
    fn at(&self, mut bytes: Bytes) -> bool {
        let frames = std::iter::from_fn(|| Frame::decode(&mut bytes, 1 << 16).unwrap());
        let mut hits = frames.filter(|frame| (frame.kind, frame.peer) == (self.kind, self.peer));
        let one_less = |left: u64| left.checked_sub(1);
        let order = Ordering::SeqCst;
        hits.next().is_some() && self.left.fetch_update(order, order, one_less).is_ok()
    }
}

#[async_trait]
impl Transport for Fragile {
    async fn send(&self, frame: Bytes) -> Result<()> {
        self.check()?;
        if !self.breaks.at(frame.clone()) {
            return self.here.send(frame).await;
        }
        self.broken.store(true, Ordering::SeqCst);
        self.here.close().await?;
        self.there.close().await?;
        if self.breaks.told {
            self.check()
        } else {
            Ok(())
        }
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        let received = self.here.recv().await?;
        self.check().map(|()| received)
    }

    async fn close(&self) -> Result<()> {
        self.here.close().await
    }
}

/// Alice's session, and Bob's, whom she calls.
async fn pair(breaks: &Arc<Breaks>) -> (Session, Session) {
    let breaks = Arc::clone(breaks);
    let both = common::pair(move || Fragile::pair(&breaks));
    timeout(LONG, both).await.expect("both have a session")
}

fn breaks(kind: Kind, told: bool, times: u64) -> Arc<Breaks> {
    Arc::new(Breaks {
        kind,
        peer: 0,
        told,
        left: AtomicU64::new(times),
    })
}

#[tokio::test]
async fn a_lost_welcome_loses_nobody() {
    for told in [false, true] {
        let breaks = breaks(Kind::Welcome, told, 2);
        let (alice, bob) = pair(&breaks).await;
        alice
            .peer(&"Bob")
            .unwrap()
            .send("hello".into())
            .await
            .unwrap();
        let hello = timeout(LONG, bob.peer(&"Alice").unwrap().recv())
            .await
            .unwrap();
        assert_eq!(hello.unwrap().unwrap(), "hello");
        assert_eq!(breaks.left.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn a_lost_goodbye_is_said_again() {
    for told in [false, true] {
        let breaks = breaks(Kind::Fin, told, 2);
        let (alice, bob) = pair(&breaks).await;
        alice
            .peer(&"Bob")
            .unwrap()
            .send("hello".into())
            .await
            .unwrap();
        let to_alice = bob.peer(&"Alice").unwrap();
        assert_eq!(to_alice.recv().await.unwrap().unwrap(), "hello");
        drop(to_alice);
        let begun = Instant::now();
        let (a, b) = futures::join!(alice.close(), bob.close());
        a.unwrap();
        b.unwrap();
        let took = begun.elapsed();
        assert!(
            took < Duration::from_secs(2),
            "nobody waits for who has left: {took:?}"
        );
    }
}

#[tokio::test]
async fn whom_the_called_role_has_left_does_not_call_again_and_again() {
    let breaks = breaks(Kind::Fin, false, 0);
    let (alice, bob) = pair(&breaks).await;
    let to_bob = alice.peer(&"Bob").unwrap();
    to_bob.send("hello".into()).await.unwrap();
    let hello = bob.peer(&"Alice").unwrap().recv().await.unwrap();
    assert_eq!(hello.unwrap(), "hello");
    bob.close().await.unwrap();
    assert_eq!(timeout(LONG, to_bob.recv()).await.unwrap().unwrap(), None);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let connections = alice.status().connections;
    assert!(connections < 10, "{connections} connections");
    drop(to_bob);
    let closed = timeout(Duration::from_secs(3), alice.close()).await;
    closed.expect("nobody is there to hear a goodbye").unwrap();
}

#[tokio::test]
async fn who_waits_for_room_learns_that_the_peer_has_left() {
    // Alice reads nothing: what she says last stands behind all that Bob cannot get rid of.
    let (alice, bob) = common::pair(|| common::fragile(usize::MAX)).await;
    let to_alice = bob.peer(&"Alice").unwrap();
    let full = async {
        loop {
            if let Err(error) = to_alice.send(vec![1; 1 << 16].into()).await {
                break error;
            }
        }
    };
    let mut full = std::pin::pin!(full);
    let filled = timeout(Duration::from_millis(20), full.as_mut()).await;
    assert!(filled.is_err(), "there is room without an end");
    drop(alice);
    let told = timeout(LONG, full).await.expect("Alice has left");
    assert_eq!(told.kind(), ErrorKind::Closed, "{}", told.report());
}

use std::sync::Arc;

use choreo_core::queue::{Closed, Queue};
use choreo_core::{Bytes, Error, ErrorKind, Result, Transport, async_trait};

/// A small transport that keeps every promise: what the tests of a wrapper around transports can
/// stand on. [`reference_pair`] makes it.
#[derive(Debug)]
pub struct ReferenceTransport {
    to: Arc<Queue<Bytes>>,
    from: Arc<Queue<Bytes>>,
}

/// Both ends of a connection within the process, with at most `bound` frames under way in each
/// direction.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> choreo_core::Result<()> {
/// use choreo_core::{Bytes, Transport};
/// use choreo_testkit::reference_pair;
///
/// let (alice, bob) = reference_pair(8);
/// alice.send(Bytes::from("frame")).await?;
/// assert_eq!(bob.recv().await?, Some(Bytes::from("frame")));
/// # Ok(()) }
/// ```
#[must_use]
pub fn reference_pair(bound: usize) -> (ReferenceTransport, ReferenceTransport) {
    let [there, back] = [(); 2].map(|()| Arc::new(Queue::new(bound)));
    let left = ReferenceTransport {
        to: Arc::clone(&there),
        from: Arc::clone(&back),
    };
    let right = ReferenceTransport {
        to: back,
        from: there,
    };
    (left, right)
}

impl ReferenceTransport {
    fn close_both(&self) {
        self.to.close();
        self.from.close();
    }
}

#[async_trait]
impl Transport for ReferenceTransport {
    async fn send(&self, frame: Bytes) -> Result<()> {
        let closed = |Closed| Error::new(ErrorKind::Closed, "the connection is closed");
        self.to.send(frame).await.map_err(closed)
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        Ok(self.from.recv().await.ok())
    }

    async fn close(&self) -> Result<()> {
        self.close_both();
        Ok(())
    }
}

impl Drop for ReferenceTransport {
    fn drop(&mut self) {
        self.close_both();
    }
}

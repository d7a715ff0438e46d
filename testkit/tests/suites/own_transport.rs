//! A pipe within a process, held against the contract.

use std::sync::Arc;

use choreo_core::queue::{Closed, Queue};
use choreo_core::{Bytes, Error, ErrorKind, Result, Transport, async_trait};
use choreo_testkit::{from_pairs, transport_suite};

/// One end: a queue of frames to the other one, and a queue from there.
struct Pipe {
    to: Arc<Queue<Bytes>>,
    from: Arc<Queue<Bytes>>,
}

impl Pipe {
    fn pair() -> (Self, Self) {
        let (there, back) = (Arc::new(Queue::new(8)), Arc::new(Queue::new(8)));
        let left = Self {
            to: Arc::clone(&there),
            from: Arc::clone(&back),
        };
        let right = Self {
            to: back,
            from: there,
        };
        (left, right)
    }
}

#[async_trait]
impl Transport for Pipe {
    async fn send(&self, frame: Bytes) -> Result<()> {
        let closed = |Closed| Error::new(ErrorKind::Closed, "the pipe is closed");
        self.to.send(frame).await.map_err(closed)
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        Ok(self.from.recv().await.ok())
    }

    async fn close(&self) -> Result<()> {
        self.to.close();
        self.from.close();
        Ok(())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.to.close();
        self.from.close();
    }
}

transport_suite!(from_pairs(8, Pipe::pair));

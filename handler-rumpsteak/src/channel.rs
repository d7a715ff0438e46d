use std::fmt;
use std::sync::Arc;
use std::task::Poll;

use choreo_core::queue::{Closed, Queue, Refused};
use choreo_core::{Bytes, Error, ErrorKind, Result, Transport, async_trait};

/// One end of a channel between two roles of one process, natively and in browsers.
///
/// Frames wait in two queues, one for each direction, each of
/// [`DEFAULT_CAPACITY`](Self::DEFAULT_CAPACITY) frames unless told otherwise; a send to a full one
/// waits. Dropping an end closes it: the other end receives what was sent, then `None`.
///
/// It is a [`Transport`], so it can also be used by itself:
///
/// ```
/// use choreo_core::{Bytes, Transport};
/// use choreo_handler_rumpsteak::SimpleChannel;
///
/// # futures::executor::block_on(async {
/// let (left, right) = SimpleChannel::pair();
/// left.send(Bytes::from("frame")).await?;
/// drop(left);
/// assert_eq!(right.recv().await?, Some(Bytes::from("frame")));
/// assert_eq!(right.recv().await?, None);
/// # Ok::<(), choreo_core::Error>(()) }).unwrap();
/// ```
pub struct SimpleChannel {
    to: Arc<Queue<Bytes>>,
    from: Arc<Queue<Bytes>>,
}

impl SimpleChannel {
    /// How many frames wait in each direction, unless told otherwise.
    pub const DEFAULT_CAPACITY: usize = 32;

    /// Both ends of a new channel.
    #[must_use]
    pub fn pair() -> (Self, Self) {
        Self::pair_with_capacity(Self::DEFAULT_CAPACITY)
    }

    /// Both ends of a new channel with another bound: `capacity` frames wait in each direction.
    /// A capacity of 0 counts as 1.
    #[must_use]
    pub fn pair_with_capacity(capacity: usize) -> (Self, Self) {
        let [there, back] = [(); 2].map(|()| Arc::new(Queue::new(capacity)));
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

    fn close_now(&self) {
        self.to.close();
        self.from.close();
    }
}

#[async_trait]
impl Transport for SimpleChannel {
    async fn send(&self, frame: Bytes) -> Result<()> {
        self.to.send(frame).await.map_err(closed)
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        Ok(self.from.recv().await.ok())
    }

    async fn close(&self) -> Result<()> {
        self.close_now();
        Ok(())
    }

    fn try_send(&self, frame: Bytes) -> Result<Option<Bytes>> {
        match self.to.try_send(frame) {
            Ok(()) => Ok(None),
            Err(Refused::Full(frame)) => Ok(Some(frame)),
            Err(Refused::Closed) => Err(closed(Closed)),
        }
    }

    fn try_recv(&self) -> Poll<Result<Option<Bytes>>> {
        self.from.try_recv().map(|received| Ok(received.ok()))
    }

    fn takes_turns(&self) -> bool {
        true
    }
}

impl Drop for SimpleChannel {
    fn drop(&mut self) {
        self.close_now();
    }
}

impl fmt::Debug for SimpleChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimpleChannel")
            .field("to", &self.to)
            .field("from", &self.from)
            .finish()
    }
}

fn closed(_: Closed) -> Error {
    Error::new(
        ErrorKind::Closed,
        "the channel is closed (one of its ends was closed or dropped)",
    )
}

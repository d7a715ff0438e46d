use std::time::Duration;

use choreo_core::queue::{Closed, Queue};
use choreo_core::{Connect, Error, ErrorKind, Result, Transport, async_trait};

/// How the suite gets connections of the transport under test.
///
/// ```
/// use choreo_core::queue::Queue;
/// use choreo_core::{Result, Transport, async_trait};
/// use choreo_testkit::{ReferenceTransport, TransportFixture, reference_pair};
///
/// /// Where the other ends wait: with sockets, a listener at an address of its own.
/// struct Listening {
///     listener: Queue<ReferenceTransport>,
/// }
///
/// #[async_trait]
/// impl TransportFixture for Listening {
///     fn bound(&self) -> usize {
///         8 // with sockets, the buffers of the operating system count too
///     }
///
///     async fn connect(&self) -> Result<Box<dyn Transport>> {
///         let (near, far) = reference_pair(8);
///         self.listener.send(far).await.expect("the listener is there");
///         Ok(Box::new(near))
///     }
///
///     async fn accept(&self) -> Result<Box<dyn Transport>> {
///         Ok(Box::new(self.listener.recv().await.expect("the listener is there")))
///     }
/// }
///
/// # fn fixture() -> impl TransportFixture { Listening { listener: Queue::new(100) } }
/// choreo_testkit::transport_suite!(fixture());
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let fixture = fixture();
/// # choreo_testkit::transport::frames_arrive_in_order(&fixture).await.unwrap();
/// # }
/// ```
///
/// Where both ends are made at once, [`from_pairs`] is shorter; where a
/// [`Connect`](choreo_core::Connect) opens the connections, [`from_connect`] is.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how connections are opened",
    note = "use `from_pairs(bound, || (left, right))` or `from_connect(bound, connector, || async {{ .. }})`, \
            or implement `TransportFixture`"
)]
pub trait TransportFixture: Send + Sync {
    /// Opens a new connection.
    ///
    /// # Errors
    /// When it cannot be opened; the test then fails with the error.
    async fn connect(&self) -> Result<Box<dyn Transport>>;

    /// Waits for a connection that was opened, and gives its other end. They come in the order in
    /// which they were opened.
    ///
    /// # Errors
    /// When it cannot be accepted; the test then fails with the error.
    async fn accept(&self) -> Result<Box<dyn Transport>>;

    /// The bound of what is under way in one direction: how many frames of
    /// [`largest_frame`](Self::largest_frame) bytes can at most be sent to a peer that reads nothing
    /// before a send waits. At least 1. Whatever is between the two counts, such as the buffers of
    /// sockets.
    fn bound(&self) -> usize;

    /// The size in bytes of the largest frame to test with; 64 KiB unless said otherwise. At least
    /// 16, and at most what can be sent while nobody reads.
    fn largest_frame(&self) -> usize {
        1 << 16
    }

    /// How long the suite looks on before it takes it that an operation waits; 20 ms unless said
    /// otherwise. More than a frame, or news of a close, needs to the other side.
    fn patience(&self) -> Duration {
        Duration::from_millis(20)
    }

    /// How long one step of a test may take before it counts as hanging; 10 s unless said
    /// otherwise.
    fn time_limit(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// Promises that the transport cannot keep: the name of the check, and why. Such a check is
    /// skipped, and says so.
    fn cannot(&self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }
}

/// A fixture from a closure that makes both ends of a connection at once.
///
/// `bound` is as in [`TransportFixture::bound`], for frames of 64 KiB.
///
/// ```
/// use choreo_testkit::{from_pairs, reference_pair, transport_suite};
///
/// transport_suite!(from_pairs(8, || reference_pair(8)));
/// # fn main() {}
/// ```
pub fn from_pairs<A, B>(
    bound: usize,
    open: impl Fn() -> (A, B) + Send + Sync,
) -> impl TransportFixture
where
    A: Transport + 'static,
    B: Transport + 'static,
{
    /// More connections than the suite ever has opened and not accepted yet.
    const BACKLOG: usize = 1024;
    Pairs {
        bound,
        open: move || {
            let (near, far) = open();
            let ends: [Box<dyn Transport>; 2] = [Box::new(near), Box::new(far)];
            ends
        },
        to_accept: Queue::new(BACKLOG),
    }
}

struct Pairs<O> {
    bound: usize,
    open: O,
    to_accept: Queue<Box<dyn Transport>>,
}

#[async_trait]
impl<O: Fn() -> [Box<dyn Transport>; 2] + Send + Sync> TransportFixture for Pairs<O> {
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        let [near, far] = (self.open)();
        self.to_accept.send(far).await.map_err(gone)?;
        Ok(near)
    }

    async fn accept(&self) -> Result<Box<dyn Transport>> {
        self.to_accept.recv().await.map_err(gone)
    }

    fn bound(&self) -> usize {
        self.bound
    }
}

fn gone(_: Closed) -> Error {
    Error::new(ErrorKind::Closed, "the fixture is gone")
}

/// A fixture from a connector and a closure that accepts what it opens.
///
/// `bound` is as in [`TransportFixture::bound`], for frames of 64 KiB, `accept` as in
/// [`TransportFixture::accept`].
///
/// ```
/// use choreo_core::{Connect, Result, Transport, async_trait};
/// use choreo_core::queue::Queue;
/// use choreo_testkit::{ReferenceTransport, from_connect, reference_pair, transport_suite};
/// use std::sync::Arc;
///
/// struct Connector(Arc<Queue<ReferenceTransport>>);
///
/// #[async_trait]
/// impl Connect for Connector {
///     async fn connect(&self) -> Result<Box<dyn Transport>> {
///         let (near, far) = reference_pair(8);
///         self.0.send(far).await.expect("the listener is there");
///         Ok(Box::new(near))
///     }
/// }
///
/// fn fixture() -> impl choreo_testkit::TransportFixture {
///     let listener = Arc::new(Queue::new(100));
///     from_connect(8, Connector(listener.clone()), move || {
///         let listener = listener.clone();
///         async move { Ok(listener.recv().await.expect("the connector is there")) }
///     })
/// }
///
/// transport_suite!(fixture());
/// # fn main() {}
/// ```
pub fn from_connect<C, A, F, T>(bound: usize, connector: C, accept: A) -> impl TransportFixture
where
    C: Connect,
    A: Fn() -> F + Send + Sync,
    F: Future<Output = Result<T>> + Send,
    T: Transport + 'static,
{
    Connected {
        bound,
        connector,
        accept,
    }
}

struct Connected<C, A> {
    bound: usize,
    connector: C,
    accept: A,
}

#[async_trait]
impl<C, A, F, T> TransportFixture for Connected<C, A>
where
    C: Connect,
    A: Fn() -> F + Send + Sync,
    F: Future<Output = Result<T>> + Send,
    T: Transport + 'static,
{
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        self.connector.connect().await
    }

    async fn accept(&self) -> Result<Box<dyn Transport>> {
        let accepted = (self.accept)().await?;
        Ok(Box::new(accepted))
    }

    fn bound(&self) -> usize {
        self.bound
    }
}

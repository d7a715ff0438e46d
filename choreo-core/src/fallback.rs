use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;

use crate::runtime::{self, Instant};
use crate::{Connect, Error, ErrorKind, Result, Transport, async_trait};

/// Several ways to one peer, of which the first that leads there is taken: a WebSocket, say, and
/// HTTP where something between lets no WebSocket through.
///
/// - A connection that cannot be opened is opened the next way, at once.
/// - A connection that ends before anything was received was let through in appearance only: the
///   next one goes the next way.
/// - What works stays, until the preferred way is tried again: when a connection is opened anew and
///   [`retry_after`](Self::retry_after) has passed. No connection ends for it.
/// - Ways that will never lead there (a refused address, say) hide none that do.
///
/// All clones share what they know. So a session that is given one keeps going while it changes
/// over, and whoever keeps another says by which way it goes:
///
/// ```
/// # use choreo_core::{Connect, Error, ErrorKind, Result, Transport, async_trait};
/// # struct Way;
/// # #[async_trait]
/// # impl Connect for Way {
/// #     async fn connect(&self) -> Result<Box<dyn Transport>> {
/// #         Err(Error::new(ErrorKind::Transport, "nobody is there"))
/// #     }
/// # }
/// # let (websocket, http) = (Way, Way);
/// use choreo_core::Fallback;
///
/// // WebSocketConnector::new("wss://game.example/")?, FetchConnector::new("https://game.example/")?
/// let ways = Fallback::new(websocket, http);
/// let chosen = ways.clone();
/// // let session = Session::join(ways, config).await?;
///
/// // Somebody chooses HTTP; nothing is lost:
/// chosen.prefer(1);
/// // session.reconnect();
/// assert_eq!(chosen.current(), 1);
/// # let none = futures::executor::block_on(chosen.connect()).err().unwrap();
/// # assert!(none.to_string().contains("nobody is there"));
/// ```
#[derive(Clone)]
pub struct Fallback {
    ways: Arc<Vec<Box<dyn Connect>>>,
    course: Arc<Mutex<Course>>,
    open_timeout: Duration,
    retry_after: Duration,
}

/// Which way to go.
struct Course {
    preferred: usize,
    current: usize,
    /// Since when another than the preferred way is taken.
    astray_since: Option<Instant>,
}

impl Fallback {
    /// Two ways, of which the first is preferred. They are numbered from 0.
    pub fn new(first: impl Connect + 'static, then: impl Connect + 'static) -> Self {
        Self {
            ways: Arc::new(vec![Box::new(first), Box::new(then)]),
            course: Arc::new(Mutex::new(Course {
                preferred: 0,
                current: 0,
                astray_since: None,
            })),
            open_timeout: Duration::from_secs(5),
            retry_after: Duration::from_secs(5 * 60),
        }
    }

    /// How long a way may take to open a connection, before the next is tried (5 s unless said
    /// otherwise). Let whoever waits for a connection wait for longer.
    #[must_use]
    pub fn open_timeout(mut self, limit: Duration) -> Self {
        self.open_timeout = limit;
        self
    }

    /// After how long on another way the preferred one is tried again, when a connection is to be
    /// opened (5 min unless said otherwise).
    #[must_use]
    pub fn retry_after(mut self, time: Duration) -> Self {
        self.retry_after = time;
        self
    }

    /// Prefers that way from the next connection on.
    ///
    /// # Panics
    /// If there is no way of that number.
    pub fn prefer(&self, way: usize) {
        assert!(way < self.ways.len(), "there is no way number {way}");
        let mut course = self.course();
        (course.preferred, course.current) = (way, way);
        course.astray_since = None;
    }

    /// The way of the latest connection, or of the next one if that is known to be another.
    #[must_use]
    pub fn current(&self) -> usize {
        self.course().current
    }

    /// Where to begin.
    fn begin(&self) -> usize {
        let mut course = self.course();
        let again = |since: Instant| since.elapsed() >= self.retry_after;
        if course.astray_since.is_some_and(again) {
            let preferred = course.preferred;
            course.go(preferred);
        }
        course.current
    }

    /// That way did not lead there; whoever has chosen another meanwhile has chosen.
    fn failed(&self, way: usize) {
        let mut course = self.course();
        if course.current == way {
            course.go((way + 1) % self.ways.len());
        }
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Connect for Fallback {
    /// Opens a connection by the first way that lets it.
    ///
    /// # Errors
    /// `Config` if none ever will, `Transport` if another time one may; it names what was wrong with
    /// each.
    ///
    /// # Panics
    /// Natively outside of a tokio runtime, when a way does not lead there at once.
    ///
    /// # Cancel safety
    /// A connection that is not handed out is closed. The next attempt begins with the next way.
    async fn connect(&self) -> Result<Box<dyn Transport>> {
        let (begin, mut errors) = (self.begin(), Vec::new());
        for step in 0..self.ways.len() {
            let way = (begin + step) % self.ways.len();
            let attempt = Attempt {
                fallback: self.clone(),
                way,
                received: AtomicBool::new(false),
            };
            let opened = runtime::timeout(self.open_timeout, self.ways[way].connect()).await;
            let error = match opened {
                Ok(Ok(transport)) => {
                    return Ok(Box::new(Watched { transport, attempt }));
                }
                Ok(Err(error)) => error,
                Err(elapsed) => Error::new(ErrorKind::Transport, elapsed.to_string()),
            };
            errors.push(error);
        }
        let never = errors.iter().all(|error| error.kind() == ErrorKind::Config);
        let kind = match never {
            true => ErrorKind::Config,
            false => ErrorKind::Transport,
        };
        let mut detail = "no way leads there".to_owned();
        for (step, error) in errors.iter().enumerate() {
            let way = (begin + step) % self.ways.len();
            detail.push_str(&format!("; way {way}: {}", error.report()));
        }
        Err(Error::new(kind, detail))
    }
}

impl fmt::Debug for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("ways", &self.ways.len())
            .field("current", &self.current())
            .finish_non_exhaustive()
    }
}

impl Course {
    fn go(&mut self, way: usize) {
        self.current = way;
        self.astray_since = match way == self.preferred {
            true => None,
            false => self.astray_since.or_else(|| Some(Instant::now())),
        };
    }
}

/// One connection by one way, which has failed unless something was received.
struct Attempt {
    fallback: Fallback,
    way: usize,
    received: AtomicBool,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.received.load(Ordering::Relaxed) {
            self.fallback.failed(self.way);
        }
    }
}

/// A connection, and whether it brings anything.
struct Watched {
    transport: Box<dyn Transport>,
    attempt: Attempt,
}

impl Watched {
    fn saw(&self, received: &Result<Option<Bytes>>) {
        if let Ok(Some(_)) = received {
            self.attempt.received.store(true, Ordering::Relaxed);
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Transport for Watched {
    async fn send(&self, frame: Bytes) -> Result<()> {
        self.transport.send(frame).await
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        let received = self.transport.recv().await;
        self.saw(&received);
        received
    }

    async fn close(&self) -> Result<()> {
        self.transport.close().await
    }

    fn try_send(&self, frame: Bytes) -> Result<Option<Bytes>> {
        self.transport.try_send(frame)
    }

    fn try_recv(&self) -> Poll<Result<Option<Bytes>>> {
        let received = self.transport.try_recv();
        if let Poll::Ready(received) = &received {
            self.saw(received);
        }
        received
    }

    fn takes_turns(&self) -> bool {
        self.transport.takes_turns()
    }
}

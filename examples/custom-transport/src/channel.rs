use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use choreo_core::queue::{Closed, Queue};
use choreo_core::{Bytes, Error, ErrorKind, Result, Transport, async_trait};

use crate::line::{MAX_FRAME, check_size};
use crate::port::{GONE, LEFT, Port};

/// How many frames may be under way in each direction.
const WINDOW: usize = 8;
/// Of a port: frames, as much credit, and what opens and closes a connection.
pub(crate) const POSTED: usize = 2 * WINDOW + 16;

const FRAME: u8 = 6;
const CREDIT: u8 = 7;
const CLOSE: u8 = 8;

/// One end of a connection.
pub(crate) struct LineEnd {
    port: Port,
    state: Arc<State>,
}

struct State {
    frames: Queue<Bytes>,
    /// A token for each frame that may be sent.
    credit: Queue<()>,
    greetings: Queue<(u8, Vec<u8>)>,
    /// Somebody is at the other end, who is told when this end is gone.
    open: AtomicBool,
    /// This side has closed.
    closed: AtomicBool,
    /// The other side has ended, in order unless it is said why not.
    ended: AtomicBool,
    broken: OnceLock<&'static str>,
}

impl LineEnd {
    /// Opens the channel of a connection, in which nobody is heard yet.
    pub(crate) fn open(name: &str, id: &str) -> Result<Self> {
        let state = Arc::new(State {
            frames: Queue::new(WINDOW),
            credit: Queue::new(WINDOW),
            greetings: Queue::new(WINDOW),
            open: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            broken: OnceLock::new(),
        });
        while state.credit.try_send(()).is_ok() {}
        let hearing = Arc::clone(&state);
        let hear = move |kind, rest: &[u8]| hearing.hear(kind, rest);
        let port = Port::open(&format!("{name}/{id}"), POSTED, hear)?;
        Ok(Self { port, state })
    }

    /// Posts a greeting. From one that meets somebody on, they are told when this end is gone.
    pub(crate) fn greet(&self, kind: u8, id: &[u8], meets: bool) {
        self.state.open.fetch_or(meets, Relaxed);
        self.port.post(kind, id);
    }

    /// Waits for a greeting of that kind, and gives who it names.
    pub(crate) async fn hears(&self, kind: u8) -> Vec<u8> {
        loop {
            match self.state.greetings.recv().await {
                Ok((heard, id)) if heard == kind => return id,
                Ok(_) => {}
                Err(Closed) => std::future::pending().await,
            }
        }
    }
}

impl State {
    fn hear(&self, kind: u8, rest: &[u8]) -> bool {
        match kind {
            FRAME if rest.len() > MAX_FRAME => {
                self.end(Some("the other side sent a frame too large"));
            }
            FRAME if self.frames.try_send(Bytes::copy_from_slice(rest)).is_ok() => {}
            FRAME => self.end(Some("the other side sent more than it may")),
            // More than there was at first there cannot be.
            CREDIT => drop(self.credit.try_send(())),
            CLOSE => self.end(None),
            GONE => self.end(Some("the other side is gone")),
            LEFT => self.end(Some("the page was left")),
            _ => drop(self.greetings.try_send((kind, rest.to_vec()))),
        }
        kind == LEFT && self.open.load(Relaxed)
    }

    fn end(&self, why: Option<&'static str>) {
        if !self.ended.swap(true, Relaxed) {
            why.map(|why| self.broken.set(why));
            self.frames.close();
            self.credit.close();
        }
    }

    fn over(&self) -> Error {
        match self.broken.get() {
            Some(why) => Error::new(ErrorKind::Transport, format!("the line broke: {why}")),
            None => Error::new(ErrorKind::Closed, "the line is closed"),
        }
    }
}

#[async_trait]
impl Transport for LineEnd {
    async fn send(&self, frame: Bytes) -> Result<()> {
        check_size(&frame)?;
        let granted = self.state.credit.recv().await;
        let over = self.state.closed.load(Relaxed) || self.state.ended.load(Relaxed);
        if granted.is_err() || over {
            return Err(self.state.over());
        }
        self.port.post(FRAME, &frame);
        Ok(())
    }

    async fn recv(&self) -> Result<Option<Bytes>> {
        match self.state.frames.recv().await {
            Ok(frame) => {
                self.port.post(CREDIT, &[]);
                Ok(Some(frame))
            }
            Err(Closed) if self.state.broken.get().is_some() => Err(self.state.over()),
            Err(Closed) => Ok(None),
        }
    }

    async fn close(&self) -> Result<()> {
        self.state.credit.close();
        if !self.state.closed.swap(true, Relaxed) {
            self.port.post(CLOSE, &[]);
        }
        let broken = self.state.broken.get();
        broken.map_or(Ok(()), |_| Err(self.state.over()))
    }
}

impl Drop for LineEnd {
    fn drop(&mut self) {
        if self.state.open.load(Relaxed) {
            self.port.post(GONE, &[]);
        }
    }
}

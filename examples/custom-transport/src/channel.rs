use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use choreo_core::queue::{Closed, Queue};
use choreo_core::runtime::{random, timeout};
use choreo_core::{Bytes, Error, ErrorKind, Result, Transport, async_trait};

use crate::line::check_size;
use crate::port::{GONE, LEFT, Port};

/// How many frames may be under way in each direction.
const WINDOW: usize = 8;
/// Of a port: frames, as much credit, and what opens and closes a connection.
const POSTED: usize = 2 * WINDOW + 16;

const CALL: u8 = 2;
const ANSWER: u8 = 3;
const OPEN: u8 = 4;
const ACCEPTED: u8 = 5;
const FRAME: u8 = 6;
const CREDIT: u8 = 7;
const CLOSE: u8 = 8;

/// The side that listens: it hears calls while it waits for one.
pub(crate) struct Listener(String);

impl Listener {
    pub(crate) fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    pub(crate) async fn accept(&self) -> Result<LineEnd> {
        let calls = Arc::new(Queue::new(WINDOW));
        let heard = Arc::clone(&calls);
        let _lobby = Port::open(&self.0, POSTED, move |kind, id| {
            // One that there is no room for is repeated.
            if kind == CALL {
                let _ = heard.try_send(id.to_vec());
            }
            false
        })?;
        while let Ok(id) = calls.recv().await {
            let end = LineEnd::open(&self.0, &String::from_utf8_lossy(&id))?;
            let me = new_id();
            end.port.post(ANSWER, me.as_bytes());
            // Another listener may be chosen, or the caller be gone.
            let chosen = timeout(Duration::from_millis(500), end.hears(OPEN)).await;
            if chosen.is_ok_and(|chosen| chosen == me.as_bytes()) {
                end.state.open.store(true, Relaxed);
                end.port.post(ACCEPTED, me.as_bytes());
                return Ok(end);
            }
        }
        Err(Error::new(ErrorKind::Transport, "the channel is closed"))
    }
}

/// The side that calls, until somebody answers. Two that have found each other go on in a channel of
/// their own.
pub(crate) async fn call(name: &str) -> Result<LineEnd> {
    let lobby = Port::open(name, POSTED, |_, _| false)?;
    loop {
        let id = new_id();
        let end = LineEnd::open(name, &id)?;
        let mut patience = Duration::from_millis(10);
        let listener = loop {
            lobby.post(CALL, id.as_bytes());
            match timeout(patience, end.hears(ANSWER)).await {
                Ok(listener) => break listener,
                Err(_) => patience = Duration::from_millis(250).min(patience * 2),
            }
        };
        end.state.open.store(true, Relaxed);
        end.port.post(OPEN, &listener);
        if timeout(Duration::from_secs(1), end.hears(ACCEPTED))
            .await
            .is_ok()
        {
            return Ok(end);
        }
    }
}

fn new_id() -> String {
    let [a, b] = [(); 2].map(|()| (random() * f64::from(u32::MAX)) as u32);
    format!("{a:08x}{b:08x}")
}

/// One end of a connection.
pub struct LineEnd {
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
    fn open(name: &str, id: &str) -> Result<Self> {
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

    /// Waits for a greeting of that kind, and gives who it names.
    async fn hears(&self, kind: u8) -> Vec<u8> {
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

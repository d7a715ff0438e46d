use std::cell::{Cell, RefCell};
use std::fmt::Write;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use choreo::prelude::*;
use choreo::session::{Link, Status};
use futures::channel::oneshot::{self, Receiver, Sender};
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::protocol::Role;
use crate::{Failure, Talk, Ways, endpoint, play};

/// One role, as a page or a worker starts and watches it.
///
/// All that it shows can be read while it plays.
#[wasm_bindgen]
pub struct Player {
    shared: Rc<Shared>,
    stop: RefCell<Option<Sender<()>>>,
    /// Until it starts.
    stopped: RefCell<Option<Receiver<()>>>,
}

struct Shared {
    role: Role,
    session: String,
    address: String,
    /// By which way it goes first.
    way: Cell<usize>,
    talk: Talk,
    /// While it plays.
    joined: RefCell<Option<Session>>,
    ways: RefCell<Option<Ways>>,
    /// How the session was, once it has ended.
    left: RefCell<Option<Status>>,
}

#[wasm_bindgen]
impl Player {
    /// Alice, or else Bob, who has not started: in the session of that name, through the server at
    /// that address, by a WebSocket (0) or over HTTP (1) first. Alice says `text`, and waits `pace`
    /// milliseconds before each round.
    #[must_use]
    #[wasm_bindgen(constructor)]
    pub fn new(
        alice: bool,
        session: String,
        address: String,
        way: usize,
        text: String,
        pace: u32,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self {
            shared: Rc::new(Shared {
                role: if alice { Role::Alice } else { Role::Bob },
                session,
                address,
                way: Cell::new(way),
                talk: Talk::new(text, milliseconds(pace)),
                joined: RefCell::new(None),
                ways: RefCell::new(None),
                left: RefCell::new(None),
            }),
            stop: RefCell::new(Some(stop)),
            stopped: RefCell::new(Some(stopped)),
        }
    }

    /// Joins and plays, once; Alice so many rounds, or with 0 until she is stopped. Resolves to
    /// whether it came to its end rather than being stopped.
    ///
    /// It is rejected with an `Error` whose message is that of a [`Failure`], a line for each part.
    #[wasm_bindgen(unchecked_return_type = "Promise<boolean>")]
    pub fn start(&self, rounds: u32) -> Promise {
        let shared = Rc::clone(&self.shared);
        let stopped = self.stopped.take();
        future_to_promise(async move {
            let Some(mut stopped) = stopped else {
                return Err(JsError::new("This role has started already.").into());
            };
            let ended = {
                let mut playing = pin!(shared.play(rounds));
                let ended = poll_fn(|context| match Pin::new(&mut stopped).poll(context) {
                    Poll::Ready(_) => Poll::Ready(Ok(false)),
                    Poll::Pending => playing.as_mut().poll(context).map_ok(|()| true),
                });
                ended.await
            };
            if let Some(session) = shared.leave() {
                // Until it has left, the role could not be started again. Why it stopped is known.
                let _ = session.close().await;
            }
            match ended {
                Ok(ended) => Ok(ended.into()),
                Err(failure) => Err(JsError::new(&failure.to_string()).into()),
            }
        })
    }

    /// Leaves the conversation. What was sent before arrives.
    pub fn stop(&self) {
        self.stop.take();
    }

    /// Gives the connection up and opens another.
    pub fn cut(&self) {
        if let Some(session) = &*self.shared.joined.borrow() {
            session.reconnect();
        }
    }

    /// Changes over to a WebSocket (0) or to HTTP (1). Nothing is lost.
    pub fn go(&self, way: usize) {
        self.shared.way.set(way);
        if let Some(ways) = &*self.shared.ways.borrow() {
            ways.prefer(way);
            self.cut();
        }
    }

    /// Looks at once whether the connection is alive.
    pub fn nudge(&self) {
        if let Some(session) = &*self.shared.joined.borrow() {
            session.nudge();
        }
    }

    /// Changes what Alice says, and how many milliseconds she waits before each round.
    pub fn set(&self, text: String, pace: u32) {
        self.shared.talk.set_text(text);
        self.shared.talk.set_pace(milliseconds(pace));
    }

    /// How it is, with tabs between: the connection, in words; by which way; how many there were; how many
    /// milliseconds ago something came; how many messages the peer has not acknowledged; whether
    /// it was ever there; how many were said, heard, lost, repeated and reordered; what was heard
    /// last.
    #[wasm_bindgen(getter)]
    pub fn status(&self) -> String {
        let Shared { talk, .. } = &*self.shared;
        let mut line = String::new();
        // Writing to a string does not fail.
        let _ = match self.shared.status() {
            Some(status) => {
                let (unacked, met) = status
                    .peers
                    .first()
                    .map_or((0, false), |peer| (peer.unacked, peer.met));
                let silent = status.silent_for.as_millis() as u32;
                write!(
                    line,
                    "{}\t{}\t{}\t{silent}\t{unacked}\t{}",
                    status.link,
                    self.shared.way(),
                    status.connections,
                    u8::from(met)
                )
            }
            None => line.write_str("connecting\t\t0\t0\t0\t0"),
        };
        let tally = talk.tally();
        let numbers = [
            talk.said(),
            tally.heard,
            tally.lost,
            tally.repeated,
            tally.reordered,
        ];
        for number in numbers {
            let _ = write!(line, "\t{number}");
        }
        line.push('\t');
        line.push_str(&talk.last_heard());
        line
    }

    /// Changes whenever there is more to draw; 0 while there is nothing.
    #[wasm_bindgen(getter)]
    pub fn version(&self) -> u32 {
        let recording = &self.shared.talk.recording;
        if recording.is_empty() {
            return 0;
        }
        recording.version() as u32
    }

    /// The sequence diagram of the last rounds, as an SVG document.
    #[wasm_bindgen(getter)]
    pub fn svg(&self) -> String {
        self.shared.talk.recording.to_svg()
    }
}

impl Shared {
    /// By which way it goes.
    fn way(&self) -> &'static str {
        self.ways.borrow().as_ref().map_or("", Ways::current)
    }

    fn status(&self) -> Option<Status> {
        let joined = self.joined.borrow();
        let now = joined.as_ref().map(Session::status);
        now.or_else(|| self.left.borrow().clone())
    }

    /// The session, out of sight; how it was stays.
    fn leave(&self) -> Option<Session> {
        let session = self.joined.take()?;
        let mut status = session.status();
        if !matches!(status.link, Link::Lost(_)) {
            status.link = Link::Closed;
        }
        self.left.replace(Some(status));
        Some(session)
    }

    async fn play(&self, rounds: u32) -> Result<(), Failure> {
        let refused = |error| Failure::of_joining(&error);
        let ways = Ways::new(&self.address).map_err(refused)?;
        ways.prefer(self.way.get());
        let connector = ways.connector();
        self.ways.replace(Some(ways));
        let config = SessionConfig::new(&self.session, self.role, [self.role.peer()]);
        let session = Session::join(connector, config).await.map_err(refused)?;
        let stopped = |error| Failure::of_playing(&error);
        let endpoint = endpoint(self.role, &session).map_err(stopped)?;
        self.joined.replace(Some(session));
        let rounds = (rounds > 0).then(|| rounds.into());
        play(&endpoint, &self.talk, rounds).await.map_err(stopped)?;
        match self.leave() {
            Some(session) => {
                session.close().await.map_err(stopped)?;
                // All has arrived by now.
                let mut left = self.left.borrow_mut();
                let peers = left.iter_mut().flat_map(|status| &mut status.peers);
                peers.for_each(|peer| peer.unacked = 0);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn milliseconds(number: u32) -> Duration {
    Duration::from_millis(number.into())
}

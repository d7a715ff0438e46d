use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use choreo_session::wire::{Abort, Code, Frame, Hello, Kind};
use choreo_session::{Admission, Admitted, Greeting, Limits, Visitor};
use tracing::info;

use crate::line::{Budget, End, Line};
use crate::metrics::Metrics;
use crate::room::{Room, Routed};

/// All sessions.
pub(crate) struct Hall {
    begun: Instant,
    state: Mutex<State>,
    metrics: Arc<Metrics>,
    budget: Arc<Budget>,
    queue_bytes: usize,
}

struct State {
    admission: Admission,
    rooms: HashMap<String, Arc<Room>>,
    /// The last that had the name and was lost.
    lost: HashMap<String, Lost>,
}

/// A session that has ended, and not in order.
struct Lost {
    why: Abort,
    /// Those that played in it. Who of them comes back is told.
    processes: Vec<u128>,
    until: Duration,
}

/// What to do with a newcomer.
pub(crate) enum Met {
    /// It is in.
    In(Member),
    /// Send the frame, and come with its answer.
    Asked(Visitor, Frame),
}

/// A role and its connection, seated until this is dropped.
pub(crate) struct Member {
    hall: Arc<Hall>,
    room: Arc<Room>,
    hello: Hello,
    pub(crate) line: Arc<Line>,
    pub(crate) limits: Limits,
    left: bool,
}

impl Hall {
    pub(crate) fn new(
        admission: Admission,
        metrics: Arc<Metrics>,
        budget: Arc<Budget>,
        queue_bytes: usize,
    ) -> Arc<Self> {
        let state = State {
            admission,
            rooms: HashMap::new(),
            lost: HashMap::new(),
        };
        Arc::new(Self {
            begun: Instant::now(),
            state: Mutex::new(state),
            metrics,
            budget,
            queue_bytes,
        })
    }

    /// Takes what somebody says first.
    pub(crate) fn hello(self: &Arc<Self>, frame: &Frame) -> Result<Met, Abort> {
        let now = self.begun.elapsed();
        let mut state = self.state();
        let greeting = state.admission.hello(frame, now).inspect_err(|_| {
            let Some(missing) = state.admission.unplayable() else {
                return;
            };
            let room = state.rooms.get(&missing.session);
            if room.is_some_and(|room| room.awaits(&missing.role)) {
                state.end(&missing.session, &missing.abort, None, now);
                self.metrics.ended(&missing.abort);
            }
        })?;
        match greeting {
            Greeting::Welcome(admitted) => Ok(Met::In(self.seat(&mut state, admitted))),
            Greeting::Challenge(visitor, challenge) => {
                let Hello {
                    session, instance, ..
                } = visitor.hello();
                let lost = state.lost.get(session);
                match lost.filter(|lost| lost.processes.contains(instance)) {
                    Some(lost) => Err(lost.why.clone()),
                    None => Ok(Met::Asked(visitor, challenge)),
                }
            }
        }
    }

    /// Takes the proof of a role that was there before.
    pub(crate) fn proof(
        self: &Arc<Self>,
        visitor: Visitor,
        proof: &Frame,
    ) -> Result<Member, Abort> {
        let now = self.begun.elapsed();
        let mut state = self.state();
        let admitted = state.admission.proof(visitor, proof, now)?;
        let session = &admitted.hello.session;
        // A relay that was restarted does not know all that played in it; but nobody has joined
        // since then.
        if !state.rooms.contains_key(session)
            && let Some(why) = state.lost.get(session).map(|lost| lost.why.clone())
        {
            state.admission.end(session);
            return Err(why);
        }
        Ok(self.seat(&mut state, admitted))
    }

    /// How many sessions there are.
    pub(crate) fn sessions(&self) -> usize {
        self.state().admission.sessions()
    }

    /// Tells all roles of all sessions.
    pub(crate) fn tell(&self, frame: &Frame) {
        self.state()
            .rooms
            .values()
            .for_each(|room| room.tell(frame));
    }

    /// Ends all connections, not the sessions.
    pub(crate) fn clear(&self) {
        for room in self.state().rooms.values() {
            room.end(&End::Drained, None);
        }
    }

    /// Ends the sessions in which a role is away for too long.
    pub(crate) fn sweep(&self) {
        let now = self.begun.elapsed();
        let mut state = self.state();
        let ttl = state.admission.terms().resume_ttl;
        state.lost.retain(|_, lost| lost.until > now);
        for (session, role) in state.admission.expired(now) {
            let reason = format_args!("{role} was away for {} s", ttl.as_secs());
            let abort = Abort::new(Code::Expired, reason);
            state.end(&session, &abort, None, now);
            self.metrics.ended(&abort);
        }
        // When it has many, the admission forgets by itself those that nobody is in any more.
        if state.rooms.len() > state.admission.sessions() {
            state.rooms.retain(|_, room| !room.is_empty());
        }
    }

    /// Gives an admitted role its seat; an older connection of it ends.
    fn seat(self: &Arc<Self>, state: &mut State, admitted: Admitted) -> Member {
        let Admitted {
            hello,
            limits,
            welcome,
        } = admitted;
        let line = Arc::new(Line::new(self.queue_bytes, Arc::clone(&self.budget)));
        line.insist(&welcome);
        let room = Arc::clone(state.rooms.entry(hello.session.clone()).or_default());
        if let Some(older) = room.seat(&hello, Arc::clone(&line)) {
            let abort = Abort::new(Code::Superseded, "a newer connection took over");
            older.end(End::Abort(abort), 0);
        }
        let how = if hello.token.is_some() {
            "joined"
        } else {
            "resumed"
        };
        self.metrics.let_in(how);
        info!(
            session = hello.session,
            role = hello.role,
            epoch = hello.epoch,
            "{how}"
        );
        Member {
            hall: Arc::clone(self),
            room,
            // Without what nobody needs any more.
            hello: Hello {
                token: None,
                ..hello
            },
            line,
            limits,
            left: false,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Ends a session for all roles, as one of them wants it or nobody of them.
    fn end(&mut self, session: &str, abort: &Abort, by: Option<&str>, now: Duration) {
        let terms = *self.admission.terms();
        self.admission.end(session);
        let room = self.rooms.remove(session).unwrap_or_default();
        let processes = room.end(&End::Abort(abort.clone()), by);
        if self.lost.len() < terms.sessions {
            let lost = Lost {
                why: abort.clone(),
                processes,
                until: now + terms.resume_ttl,
            };
            self.lost.insert(session.to_owned(), lost);
        }
        let (code, reason) = (abort.code().number(), abort.reason());
        info!(session, by, code, reason, "session ended");
    }
}

impl Member {
    /// Passes a frame on. The error is the end of the connection.
    pub(crate) fn route(&self, frame: Frame) -> Result<(), Abort> {
        let peers = &self.hello.peers;
        let peer = frame.peer;
        let to = (peer as usize)
            .checked_sub(1)
            .and_then(|index| peers.get(index));
        let to = to.ok_or_else(|| {
            let reason = format_args!("peer {peer} where there are {}", peers.len());
            Abort::new(Code::Malformed, reason)
        })?;
        let bytes = frame.payload.len();
        let metrics = &self.hall.metrics;
        match self.room.route(&self.hello.role, to, frame) {
            Routed::Queued => metrics.forwarded(bytes),
            Routed::Full => metrics.full(),
            Routed::Absent => {
                metrics.absent();
                if self
                    .hall
                    .state()
                    .admission
                    .has_left(&self.hello.session, to)
                {
                    // Of number 0: the peer has left for good.
                    self.line.push(&Frame::new(Kind::Fin, peer));
                }
            }
            Routed::Stranger => {
                let reason = format_args!("{to} does not speak with {}", self.hello.role);
                return Err(Abort::new(Code::Forbidden, reason));
            }
        }
        Ok(())
    }

    /// The role leaves its session in order.
    pub(crate) fn leave(&mut self) {
        self.left = true;
    }

    /// The role ends the session for all.
    pub(crate) fn end_session(&self, abort: &Abort) {
        let hall = &self.hall;
        let mut state = hall.state();
        // A role that was superseded, or whose session is over, has no say any more.
        if self.line.is_open() {
            let role = Some(self.hello.role.as_str());
            state.end(&self.hello.session, abort, role, hall.begun.elapsed());
            hall.metrics.ended(abort);
        }
    }

    /// The session and the role, for logs.
    pub(crate) fn name(&self) -> (&str, &str) {
        (&self.hello.session, &self.hello.role)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let hall = &self.hall;
        let now = hall.begun.elapsed();
        self.room.leave(&self.hello.role, &self.line);
        let mut state = hall.state();
        if !self.left {
            state.admission.away(&self.hello, now);
            return;
        }
        let before = state.admission.sessions();
        state.admission.left(&self.hello);
        // What the others have sent last may have been lost with the connection.
        self.room.tell_left(&self.hello.role);
        if state.admission.sessions() < before {
            // It was the last.
            state.rooms.remove(&self.hello.session);
        }
    }
}

//! Who is let into a session, without I/O: what relays and serving roles share.

use std::collections::HashMap;
use std::time::Duration;

use crate::Limits;
use crate::keys;
use crate::wire::{Abort, Challenge, Code, Frame, Hello, Proof, VERSION, Welcome, hello::Body};

/// Decides who may play which role.
pub trait Authority: Send + Sync {
    /// Checks what a role brings to join.
    ///
    /// # Errors
    /// [`Unauthorized`](Code::Unauthorized) for a token that is wrong, out of date or missing,
    /// [`Forbidden`](Code::Forbidden) for one that is another role's or session's. The reason is
    /// told to whoever asked: no secrets in it.
    fn admit(&self, token: &str, hello: &Hello) -> Result<Ticket, Abort>;
}

/// What an [`Authority`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ticket {
    /// By which it is known that the ticket was used; without one it may be used again.
    pub id: Option<String>,
    /// How long it is good for, from now: that long it is remembered that it was used.
    pub valid_for: Duration,
}

/// Lets everybody in. For machines that nobody else can reach, and for tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anyone;

impl Authority for Anyone {
    fn admit(&self, _token: &str, _hello: &Hello) -> Result<Ticket, Abort> {
        Ok(Ticket::default())
    }
}

/// How a server runs its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The most that it takes.
    pub limits: Limits,
    /// How long a role may be away: 120 s.
    pub resume_ttl: Duration,
    /// How often it asks roles for a sign of life: 20 s. (Timers of browsers' background tabs fire
    /// once a minute, but they answer at once.)
    pub ping_interval: Duration,
    /// The most sessions at once: 10,000.
    pub sessions: usize,
    /// The most roles in a session: 256.
    pub roles: usize,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            resume_ttl: Duration::from_secs(120),
            ping_interval: Duration::from_secs(20),
            sessions: 10_000,
            roles: 256,
        }
    }
}

/// The sessions of a server and who plays what in them.
///
/// For each role of a session there is one process, and of its connections the newest counts.
/// Nothing here is needed after a restart: resume keys are derived from the master key, and who
/// proves to have one is let in again.
pub struct Admission {
    authority: Box<dyn Authority>,
    terms: Terms,
    master: [u8; 32],
    rooms: HashMap<String, Room>,
    /// The tickets that were used, by which process, and until when that matters.
    used: HashMap<String, (u128, Duration)>,
}

/// One session.
struct Room {
    fingerprint: u64,
    limits: Limits,
    members: HashMap<String, Member>,
}

struct Member {
    instance: u128,
    epoch: u64,
    /// Since when nobody is connected.
    away_since: Option<Duration>,
    left: bool,
}

/// What to answer to a HELLO.
#[derive(Debug)]
pub enum Greeting {
    /// Let in.
    Welcome(Admitted),
    /// Send the frame, and let in with the [`Visitor`] and the proof that comes back.
    Challenge(Visitor, Frame),
}

/// Somebody who says to be a role that joined before.
#[derive(Debug)]
pub struct Visitor {
    hello: Hello,
    challenge: Challenge,
}

/// A role that was let in.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// What it said.
    pub hello: Hello,
    /// What holds.
    pub limits: Limits,
    /// What to answer.
    pub welcome: Frame,
}

impl Admission {
    /// Sessions under these terms, of which the same master key finds the roles again after a
    /// restart. Without one it is drawn at random: a restart then ends all sessions.
    ///
    /// # Errors
    /// When the platform gives no random numbers.
    pub fn new(
        authority: impl Authority + 'static,
        terms: Terms,
        master: Option<[u8; 32]>,
    ) -> choreo_core::Result<Self> {
        Ok(Self {
            authority: Box::new(authority),
            terms,
            master: master.map_or_else(keys::random, Ok)?,
            rooms: HashMap::new(),
            used: HashMap::new(),
        })
    }

    /// The terms.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Takes what a role says first. `now` is counted from any moment, the same in all calls.
    ///
    /// # Errors
    /// Why it is not let in.
    pub fn hello(&mut self, frame: &Frame, now: Duration) -> Result<Greeting, Abort> {
        let hello = Hello::from_frame(frame)?;
        hello.check()?;
        if !hello.versions.contains(&VERSION) {
            let reason = format_args!("version {VERSION} is spoken here");
            return Err(Abort::new(Code::Version, reason));
        }
        if !hello.limits.covers(Limits::LEAST) {
            let least = Limits::LEAST;
            let reason = format_args!("limits below the least that work, {least:?}");
            return Err(Abort::new(Code::Malformed, reason));
        }
        if hello.peers.len() >= self.terms.roles {
            let reason = format_args!("more than {} roles", self.terms.roles);
            return Err(Abort::new(Code::Quota, reason));
        }
        let Some(token) = &hello.token else {
            let nonce = keys::random().map_err(|error| Abort::new(Code::Quota, error))?;
            let challenge = Challenge {
                nonce: u128::from_le_bytes(nonce),
            };
            let frame = challenge.to_frame();
            return Ok(Greeting::Challenge(Visitor { hello, challenge }, frame));
        };
        let ticket = self.authority.admit(token, &hello)?;
        self.enter(hello, Some(ticket), now).map(Greeting::Welcome)
    }

    /// Takes the proof of a role that resumes.
    ///
    /// # Errors
    /// Why it is not let in.
    pub fn proof(
        &mut self,
        visitor: Visitor,
        frame: &Frame,
        now: Duration,
    ) -> Result<Admitted, Abort> {
        let Visitor { hello, challenge } = visitor;
        let key = keys::resume_key(&self.master, &hello);
        if !keys::is_proven(&key, &hello, &challenge, &Proof::from_frame(frame)?) {
            let reason = "the proof is wrong: the session is not known here, or the key is not its";
            return Err(Abort::new(Code::Expired, reason));
        }
        self.enter(hello, None, now)
    }

    /// Lets in whoever has shown that it may.
    fn enter(
        &mut self,
        hello: Hello,
        ticket: Option<Ticket>,
        now: Duration,
    ) -> Result<Admitted, Abort> {
        self.forget(now);
        let used = ticket.as_ref().and_then(|ticket| ticket.id.as_ref());
        let used = used.and_then(|id| self.used.get(id));
        if used.is_some_and(|(by, _)| *by != hello.instance) {
            return Err(Abort::new(Code::Unauthorized, "the token was used before"));
        }
        let sessions = self.rooms.len();
        if !self.rooms.contains_key(&hello.session) && sessions >= self.terms.sessions {
            let reason = format_args!("there are {sessions} sessions, no more are taken");
            return Err(Abort::new(Code::Quota, reason));
        }
        let limits = self.terms.limits.min(hello.limits);
        let room = self.rooms.entry(hello.session.clone()).or_insert(Room {
            fingerprint: hello.fingerprint,
            limits,
            members: HashMap::new(),
        });
        room.admit(&hello, &self.terms)?;
        let limits = room.limits;
        let resume_key = ticket
            .as_ref()
            .map(|_| keys::resume_key(&self.master, &hello));
        if let Some(ticket) = ticket
            && let Some(id) = ticket.id
        {
            self.used
                .insert(id, (hello.instance, now + ticket.valid_for));
        }
        let milliseconds = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        let welcome = Welcome {
            version: VERSION,
            limits,
            resume_ttl_ms: milliseconds(self.terms.resume_ttl),
            ping_interval_ms: milliseconds(self.terms.ping_interval),
            resume_key,
        };
        Ok(Admitted {
            hello,
            limits,
            welcome: welcome.to_frame(),
        })
    }

    /// A role's connection with that epoch broke; it may come back within the ttl.
    pub fn away(&mut self, hello: &Hello, now: Duration) {
        if let Some(member) = self.member(hello) {
            member.away_since = Some(now);
        }
    }

    /// A role left in order; nobody plays it in this session any more.
    pub fn left(&mut self, hello: &Hello) {
        if let Some(member) = self.member(hello) {
            member.left = true;
        }
        if let Some(room) = self.rooms.get(&hello.session)
            && room.members.values().all(|member| member.left)
        {
            self.rooms.remove(&hello.session);
        }
    }

    /// Whether a role has left in order.
    #[must_use]
    pub fn has_left(&self, session: &str, role: &str) -> bool {
        let room = self.rooms.get(session);
        room.and_then(|room| room.members.get(role))
            .is_some_and(|member| member.left)
    }

    /// The session is over for all.
    pub fn end(&mut self, session: &str) {
        self.rooms.remove(session);
    }

    /// How many sessions there are.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.rooms.len()
    }

    /// The sessions in which a role was away for longer than the ttl, with that role. They are
    /// over: end them and tell the other roles.
    #[must_use]
    pub fn expired(&self, now: Duration) -> Vec<(String, String)> {
        let mut expired = Vec::new();
        for (session, room) in &self.rooms {
            let late = room.members.iter().find(|(_, member)| {
                let away = member.away_since.filter(|_| !member.left);
                away.is_some_and(|since| since + self.terms.resume_ttl <= now)
            });
            expired.extend(late.map(|(role, _)| (session.clone(), role.clone())));
        }
        expired
    }

    /// Forgets, where it gets many, the tickets that are out of date, and the sessions that nobody
    /// ended and in which all roles are away for too long.
    fn forget(&mut self, now: Duration) {
        let ttl = self.terms.resume_ttl;
        if self.used.len() >= self.terms.sessions {
            self.used.retain(|_, (_, until)| *until > now);
        }
        if self.rooms.len() < self.terms.sessions {
            return;
        }
        let gone = |member: &Member| {
            member.left || member.away_since.is_some_and(|since| since + ttl <= now)
        };
        self.rooms
            .retain(|_, room| !room.members.values().all(gone));
    }

    /// The member that this connection is the newest of.
    fn member(&mut self, hello: &Hello) -> Option<&mut Member> {
        let room = self.rooms.get_mut(&hello.session)?;
        let member = room.members.get_mut(&hello.role)?;
        let newest = (member.instance, member.epoch) == (hello.instance, hello.epoch);
        newest.then_some(member)
    }
}

impl Room {
    fn admit(&mut self, hello: &Hello, terms: &Terms) -> Result<(), Abort> {
        if self.fingerprint != hello.fingerprint {
            let reason = "the session runs another protocol; are all roles of the same version?";
            return Err(Abort::new(Code::Version, reason));
        }
        if !hello.limits.covers(self.limits) {
            let limits = self.limits;
            let reason = format_args!("limits below those of the session, {limits:?}");
            return Err(Abort::new(Code::TooLarge, reason));
        }
        let roles = self.members.len();
        match self.members.get_mut(&hello.role) {
            Some(member) => member.admit(hello)?,
            None if roles >= terms.roles => {
                let reason = format_args!("there are {roles} roles, no more are taken");
                return Err(Abort::new(Code::Quota, reason));
            }
            None => {
                let member = Member {
                    instance: hello.instance,
                    epoch: hello.epoch,
                    away_since: None,
                    left: false,
                };
                self.members.insert(hello.role.clone(), member);
            }
        }
        Ok(())
    }
}

impl Member {
    fn admit(&mut self, hello: &Hello) -> Result<(), Abort> {
        let role = &hello.role;
        if self.left {
            let reason = format_args!("{role} has left the session");
            return Err(Abort::new(Code::Expired, reason));
        }
        if self.instance != hello.instance {
            let reason = format_args!("{role} is played by another process");
            return Err(Abort::new(Code::Forbidden, reason));
        }
        if hello.epoch <= self.epoch {
            let reason = format_args!("{role} has a newer connection");
            return Err(Abort::new(Code::Superseded, reason));
        }
        self.epoch = hello.epoch;
        self.away_since = None;
        Ok(())
    }
}

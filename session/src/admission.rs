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
    /// What all sessions run, if it is one protocol.
    fingerprint: Option<u64>,
    /// The session in which the role that was refused last is missing.
    unplayable: Option<Unplayable>,
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

/// A session of which a role was refused that nobody else plays, for it speaks another protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplayable {
    /// Its name.
    pub session: String,
    /// The role.
    pub role: String,
    /// What the role was told.
    pub abort: Abort,
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

impl Visitor {
    /// What it says. Not proven.
    #[must_use]
    pub fn hello(&self) -> &Hello {
        &self.hello
    }
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
            fingerprint: None,
            unplayable: None,
            used: HashMap::new(),
        })
    }

    /// Lets in only who speaks this protocol. Without it, the first in a session says which.
    #[must_use]
    pub fn with_fingerprint(mut self, fingerprint: u64) -> Self {
        self.fingerprint = Some(fingerprint);
        self
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
        self.agrees(&hello)?;
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

    /// Whether a role speaks the protocol of its session.
    fn agrees(&mut self, hello: &Hello) -> Result<(), Abort> {
        self.unplayable = None;
        let room = self.rooms.get(&hello.session);
        let due = self.fingerprint.or(room.map(|room| room.fingerprint));
        let (speaks, role) = (hello.fingerprint, &hello.role);
        let Some(due) = due.filter(|due| *due != speaks) else {
            return Ok(());
        };
        let reason =
            format_args!("protocol {due:016x} is spoken here, not {speaks:016x}, as {role} does");
        let abort = Abort::new(Code::Version, reason);
        if room.is_some_and(|room| !room.members.contains_key(role)) {
            self.unplayable = Some(Unplayable {
                session: hello.session.clone(),
                role: role.clone(),
                abort: abort.clone(),
            });
        }
        Err(abort)
    }

    /// After a role was refused: the session that cannot be played without it. If somebody in it waits
    /// for the role, end it, and tell all: they would wait for ever.
    pub fn unplayable(&mut self) -> Option<Unplayable> {
        self.unplayable.take()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::join::{Join, Step};

    const SECOND: Duration = Duration::from_secs(1);
    const NOW: Duration = Duration::ZERO;

    /// Tokens are a role's name, a slash, and the ticket's id.
    struct Named;

    impl Authority for Named {
        fn admit(&self, token: &str, hello: &Hello) -> Result<Ticket, Abort> {
            match token.split_once('/') {
                Some((role, id)) if role == hello.role => Ok(Ticket {
                    id: Some(id.to_owned()),
                    valid_for: 60 * SECOND,
                }),
                Some(_) => Err(Abort::new(Code::Forbidden, "the token is another role's")),
                None => Err(Abort::new(Code::Unauthorized, "no token")),
            }
        }
    }

    fn server() -> Admission {
        Admission::new(Named, Terms::default(), Some([9; 32])).unwrap()
    }

    fn hello(role: &str, instance: u128) -> Hello {
        Hello {
            versions: vec![VERSION],
            fingerprint: 1,
            session: "game".to_owned(),
            role: role.to_owned(),
            instance,
            epoch: 0,
            token: None,
            peers: vec!["Bob".to_owned()],
            limits: Limits::default(),
        }
    }

    fn join(role: &str, instance: u128, token: &str) -> Join {
        Join::new(hello(role, instance), token.to_owned())
    }

    /// The whole way in, or why not.
    fn enter(server: &mut Admission, join: &mut Join, now: Duration) -> Result<Admitted, Abort> {
        let admitted = match server.hello(&join.hello(), now)? {
            Greeting::Welcome(admitted) => admitted,
            Greeting::Challenge(visitor, challenge) => {
                let Step::Say(proof) = join.answer(&challenge)? else {
                    panic!("a proof is due");
                };
                server.proof(visitor, &proof, now)?
            }
        };
        let answer = join.answer(&admitted.welcome)?;
        assert!(matches!(answer, Step::In(_)));
        Ok(admitted)
    }

    fn code(result: Result<Admitted, Abort>) -> Code {
        result.expect_err("it must not be let in").code()
    }

    #[test]
    fn a_role_joins_and_resumes() {
        let mut server = server();
        let mut alice = join("Alice", 1, "Alice/a");
        let first = enter(&mut server, &mut alice, NOW).unwrap();
        server.away(&first.hello, NOW);
        let second = enter(&mut server, &mut alice, SECOND).unwrap();
        assert_eq!((first.hello.epoch, second.hello.epoch), (1, 2));
        assert_eq!(second.hello.token, None);
    }

    #[test]
    fn a_lost_welcome_burns_no_ticket() {
        let mut server = server();
        let mut alice = join("Alice", 1, "Alice/a");
        server.hello(&alice.hello(), NOW).unwrap();
        enter(&mut server, &mut alice, NOW).unwrap();
    }

    #[test]
    fn a_restarted_server_with_the_same_key_lets_roles_resume() {
        let mut alice = join("Alice", 1, "Alice/a");
        enter(&mut server(), &mut alice, NOW).unwrap();
        enter(&mut server(), &mut alice, NOW).unwrap();
        let mut other = Admission::new(Named, Terms::default(), None).unwrap();
        assert_eq!(code(enter(&mut other, &mut alice, NOW)), Code::Expired);
    }

    #[test]
    fn wrong_missing_and_reused_tokens_are_refused() {
        let mut server = server();
        let refused = |server: &mut Admission, role, instance, token| {
            code(enter(server, &mut join(role, instance, token), NOW))
        };
        assert_eq!(refused(&mut server, "Alice", 1, ""), Code::Unauthorized);
        assert_eq!(refused(&mut server, "Alice", 1, "Bob/b"), Code::Forbidden);
        let first = enter(&mut server, &mut join("Alice", 1, "Alice/a"), NOW).unwrap();
        server.left(&first.hello);
        assert_eq!(
            refused(&mut server, "Alice", 2, "Alice/a"),
            Code::Unauthorized
        );
    }

    #[test]
    fn another_process_does_not_take_a_role_over() {
        let mut server = server();
        enter(&mut server, &mut join("Alice", 1, "Alice/a"), NOW).unwrap();
        let refused = enter(&mut server, &mut join("Alice", 2, "Alice/b"), NOW);
        assert_eq!(code(refused), Code::Forbidden);
    }

    #[test]
    fn an_older_epoch_is_refused() {
        let mut server = server();
        let mut alice = join("Alice", 1, "Alice/a");
        let old = alice.hello();
        enter(&mut server, &mut alice, NOW).unwrap();
        let refused = server.hello(&old, NOW).map(|_| ()).unwrap_err();
        assert_eq!(refused.code(), Code::Superseded);
    }

    #[test]
    fn a_proof_with_another_key_is_refused() {
        let mut server = server();
        enter(&mut server, &mut join("Alice", 1, "Alice/a"), NOW).unwrap();
        let mut thief = hello("Alice", 1);
        thief.epoch = 7;
        let Greeting::Challenge(visitor, challenge) = server.hello(&thief.to_frame(), NOW).unwrap()
        else {
            panic!("a challenge is due");
        };
        let challenge = Challenge::from_frame(&challenge).unwrap();
        let proof = keys::prove(&[0; 32], &thief, &challenge);
        let refused = server.proof(visitor, &proof.to_frame(), NOW);
        assert_eq!(code(refused), Code::Expired);
    }

    #[test]
    fn another_protocol_ends_a_session_only_if_nobody_else_plays_the_role() {
        let mut server = server();
        for (role, number) in [("Alice", 1), ("Dora", 2)] {
            enter(
                &mut server,
                &mut join(role, number, &format!("{role}/{number}")),
                NOW,
            )
            .unwrap();
        }
        let mut refused = |role: &str, token: &str| {
            let mut hello = hello(role, 3);
            hello.token = Some(token.to_owned());
            hello.fingerprint = 2;
            let abort = server.hello(&hello.to_frame(), NOW).map(drop).unwrap_err();
            (abort, server.unplayable())
        };
        let (abort, unplayable) = refused("Dora", "Dora/b");
        let text = "protocol 0000000000000001 is spoken here, not 0000000000000002, as Dora does";
        assert_eq!((abort.code(), abort.reason()), (Code::Version, text));
        assert_eq!(unplayable, None);
        // Without a ticket nobody ends anything.
        let (abort, unplayable) = refused("Carol", "");
        assert_eq!((abort.code(), unplayable), (Code::Unauthorized, None));
        let (abort, unplayable) = refused("Carol", "Carol/c");
        let expected = Unplayable {
            session: hello("Carol", 3).session,
            role: "Carol".to_owned(),
            abort,
        };
        assert_eq!(unplayable, Some(expected));
        assert_eq!(server.unplayable(), None);
    }

    #[test]
    fn a_server_may_say_which_protocol_it_runs() {
        let mut server = server().with_fingerprint(2);
        let refused = enter(&mut server, &mut join("Alice", 1, "Alice/a"), NOW).unwrap_err();
        assert_eq!(refused.code(), Code::Version);
        assert_eq!((server.unplayable(), server.sessions()), (None, 0));
    }

    #[test]
    fn another_protocol_version_limits_and_names_are_refused() {
        let mut server = server();
        enter(&mut server, &mut join("Alice", 1, "Alice/a"), NOW).unwrap();
        let refused = |change: fn(&mut Hello)| {
            let mut hello = hello("Carol", 3);
            hello.token = Some("Carol/c".to_owned());
            change(&mut hello);
            let mut server = Admission::new(Named, Terms::default(), Some([9; 32])).unwrap();
            enter(&mut server, &mut join("Alice", 1, "Alice/a"), NOW).unwrap();
            server
                .hello(&hello.to_frame(), NOW)
                .map(|_| ())
                .unwrap_err()
                .code()
        };
        assert_eq!(refused(|hello| hello.fingerprint = 2), Code::Version);
        assert_eq!(refused(|hello| hello.versions = vec![2, 3]), Code::Version);
        assert_eq!(refused(|hello| hello.limits.frame = 1_000), Code::TooLarge);
        assert_eq!(refused(|hello| hello.limits.window = 0), Code::Malformed);
        assert_eq!(refused(|hello| hello.role.clear()), Code::Malformed);
        assert_eq!(
            refused(|hello| hello.session = "a\r\nb".to_owned()),
            Code::Malformed
        );
        assert_eq!(
            refused(|hello| hello.peers[0] = "x".repeat(65)),
            Code::Malformed
        );
        assert_eq!(
            refused(|hello| hello.peers.push("Bob".to_owned())),
            Code::Malformed
        );
        assert_eq!(
            refused(|hello| hello.peers.push("Carol".to_owned())),
            Code::Malformed
        );
    }

    #[test]
    fn a_role_that_left_does_not_come_back_and_one_that_stays_away_is_named() {
        let mut server = server();
        let mut alice = join("Alice", 1, "Alice/a");
        let bob = enter(&mut server, &mut join("Carol", 2, "Carol/c"), NOW).unwrap();
        let left = enter(&mut server, &mut alice, NOW).unwrap();
        server.left(&left.hello);
        assert!(server.has_left("game", "Alice"));
        assert_eq!(code(enter(&mut server, &mut alice, NOW)), Code::Expired);

        server.away(&bob.hello, NOW);
        assert_eq!(server.expired(119 * SECOND), []);
        let expired = server.expired(120 * SECOND);
        assert_eq!(expired, [("game".to_owned(), "Carol".to_owned())]);
        server.end("game");
        assert_eq!(server.sessions(), 0);
    }

    #[test]
    fn there_is_a_most_of_sessions_and_of_roles() {
        let terms = Terms {
            sessions: 1,
            roles: 2,
            ..Terms::default()
        };
        let mut server = Admission::new(Anyone, terms, None).unwrap();
        for (instance, role) in ["Alice", "Carol"].into_iter().enumerate() {
            enter(&mut server, &mut join(role, instance as u128, ""), NOW).unwrap();
        }
        let third = enter(&mut server, &mut join("Dave", 3, ""), NOW);
        assert_eq!(code(third), Code::Quota);
        let mut elsewhere = hello("Alice", 4);
        elsewhere.session = "other".to_owned();
        let second = enter(&mut server, &mut Join::new(elsewhere, String::new()), NOW);
        assert_eq!(code(second), Code::Quota);
    }
}

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use choreo_core::runtime::{self, Instant};
use choreo_core::{Error, ErrorKind, Incoming, Result, RoleId, Waiters};
use fastrand::Rng;

use super::faults::Faults;
use super::history::History;

/// What all handlers of a network share.
pub(super) struct World<R> {
    state: Mutex<State<R>>,
}

/// The network at a moment. Roles are numbers here: of their seats.
pub(super) struct State<R> {
    begun: Instant,
    capacity: usize,
    pub(super) faults: Faults,
    rng: Rng,
    pub(super) seats: Vec<Seat<R>>,
    ways: BTreeMap<(usize, usize), Way>,
    /// Between whom nothing passes.
    cuts: BTreeSet<(usize, usize)>,
    pub(super) history: History,
    waits: BTreeMap<u64, Wait>,
    next: u64,
}

pub(super) struct Seat<R> {
    pub(super) role: R,
    pub(super) name: String,
    presence: Presence,
    /// How often it has joined: what handlers of earlier times do counts no more.
    life: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Awaited,
    Here,
    Left,
    /// Since when it lies.
    Crashed(Duration),
}

/// From one role to another.
struct Way {
    /// By arrival, and then in the order in which they were sent.
    parcels: BTreeMap<(Instant, u64), Parcel>,
    /// The last arrival of what keeps its order.
    last: Instant,
    /// When the news arrives that the sender has left.
    closed: Option<Instant>,
    waiters: Arc<Waiters>,
}

struct Parcel {
    payload: Incoming,
    row: u64,
}

/// What a handler waits for.
struct Wait {
    seat: usize,
    peer: usize,
    sends: bool,
    since: Duration,
}

/// One role at one time of its life.
#[derive(Clone, Copy)]
pub(super) struct Player {
    pub(super) seat: usize,
    life: u64,
}

/// What a look at the network gives.
enum Look<T> {
    Done(T),
    /// Nothing happens by itself before that time, if at all.
    Wait(Option<Instant>),
}

impl<R: RoleId> World<R> {
    pub(super) fn new(capacity: usize, faults: Faults, seed: u64) -> Self {
        Self {
            state: Mutex::new(State {
                begun: Instant::now(),
                capacity: capacity.max(1),
                faults,
                rng: Rng::with_seed(seed),
                seats: Vec::new(),
                ways: BTreeMap::new(),
                cuts: BTreeSet::new(),
                history: History::new(),
                waits: BTreeMap::new(),
                next: 0,
            }),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A role takes its seat, for the first time or after a crash.
    pub(super) fn join(&self, role: &R) -> Result<Player> {
        let mut state = self.state();
        let (seat, now) = (state.seat(role), state.now());
        let name = state.seats[seat].name.clone();
        match state.seats[seat].presence {
            Presence::Awaited => {}
            Presence::Crashed(_) => {
                state.history.counts.restarts += 1;
                state.history.note(vec![seat], now, "starts again");
            }
            Presence::Here | Presence::Left => {
                let why = "has joined this network before; a role joins once, and once more after each crash";
                return Err(Error::new(ErrorKind::Config, format!("{name} {why}")));
            }
        }
        let it = &mut state.seats[seat];
        it.presence = Presence::Here;
        it.life += 1;
        Ok(Player {
            seat,
            life: it.life,
        })
    }

    /// A role goes in order: the others learn of it after what it has sent.
    pub(super) fn leave(&self, player: Player) {
        let mut state = self.state();
        if !state.is_here(player) {
            return;
        }
        let now = state.now();
        state.seats[player.seat].presence = Presence::Left;
        state.history.note(vec![player.seat], now, "leaves");
        for peer in 0..state.seats.len() {
            state.close(player.seat, peer);
        }
        state.wake_all_and_unlock();
    }

    /// A role stops where it is; nobody is told.
    pub(super) fn crash(&self, role: &R) {
        let mut state = self.state();
        let (seat, now) = (state.seat(role), state.now());
        if state.seats[seat].presence != Presence::Here {
            return;
        }
        state.seats[seat].presence = Presence::Crashed(now);
        state.seats[seat].life += 1;
        state.history.counts.crashes += 1;
        state.history.note(vec![seat], now, "crashes");
        state.lose(|_, to, _| to == seat, "its receiver crashed");
        state.wake_all_and_unlock();
    }

    /// Cuts all ways between the one and the other roles; what is under way there is lost.
    pub(super) fn partition(&self, ones: &[R], others: &[R]) {
        let mut state = self.state();
        let ones: Vec<usize> = ones.iter().map(|role| state.seat(role)).collect();
        let others: Vec<usize> = others.iter().map(|role| state.seat(role)).collect();
        let mut cuts = BTreeSet::new();
        for (one, other) in ones
            .iter()
            .flat_map(|one| others.iter().map(move |o| (*one, *o)))
        {
            cuts.extend([(one, other), (other, one)]);
        }
        let instant = Instant::now();
        let under_way = |from, to, arrival| cuts.contains(&(from, to)) && arrival > instant;
        state.lose(under_way, "partition");
        state.cuts.extend(cuts);
        let (now, list) = (state.now(), state.names(&others));
        let text = format!("partition: {} | {list}", state.names(&ones));
        state.history.counts.partitions += 1;
        state.history.note(Vec::new(), now, text);
        state.wake_all_and_unlock();
    }

    /// Opens all ways again.
    pub(super) fn heal(&self) {
        let mut state = self.state();
        if !state.cuts.is_empty() {
            state.cuts.clear();
            let now = state.now();
            state.history.note(Vec::new(), now, "healed");
        }
        state.wake_all_and_unlock();
    }

    /// Sends when there is room.
    pub(super) async fn send(
        &self,
        player: Player,
        peer: &R,
        payload: &Incoming,
        text: &str,
    ) -> Result<()> {
        let (seat, waiters) = self.way(player, peer, true)?;
        let look = || self.state().send((player, seat), payload, text);
        let wait = (player.seat, seat, true);
        let sent = self.until(&waiters, wait, look).await;
        waiters.wake();
        sent
    }

    /// Receives what has arrived.
    pub(super) async fn recv(&self, player: Player, peer: &R) -> Result<Incoming> {
        let (seat, waiters) = self.way(player, peer, false)?;
        let look = || {
            let looked = self.state().recv((player, seat));
            if let Look::Done(_) = looked {
                waiters.wake();
            }
            looked
        };
        let wait = (player.seat, seat, false);
        self.until(&waiters, wait, look).await
    }

    fn way(&self, player: Player, peer: &R, sends: bool) -> Result<(usize, Arc<Waiters>)> {
        let mut state = self.state();
        let peer = state.seat(peer);
        if peer == player.seat {
            let why = "a role does not speak to itself";
            return Err(Error::new(ErrorKind::Config, why));
        }
        let (from, to) = match sends {
            true => (player.seat, peer),
            false => (peer, player.seat),
        };
        Ok((peer, Arc::clone(&state.way(from, to).waiters)))
    }

    /// Looks again whenever something has changed, or its time has come.
    async fn until<T>(
        &self,
        waiters: &Waiters,
        wait: (usize, usize, bool),
        look: impl Fn() -> Look<T>,
    ) -> T {
        let mut waiting = None;
        loop {
            let at = match look() {
                Look::Done(done) => return done,
                Look::Wait(at) => at,
            };
            waiting.get_or_insert_with(|| Waiting::new(self, wait));
            let changed = waiters.until(|| match look() {
                Look::Done(done) => std::task::Poll::Ready(Some(done)),
                Look::Wait(now) if now != at => std::task::Poll::Ready(None),
                Look::Wait(_) => std::task::Poll::Pending,
            });
            let done = match at {
                None => changed.await,
                Some(at) => {
                    let limit = at - Instant::now();
                    runtime::timeout(limit, changed).await.unwrap_or(None)
                }
            };
            if let Some(done) = done {
                return done;
            }
        }
    }
}

impl<R: RoleId> State<R> {
    /// How much time has passed.
    pub(super) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The seat of a role; its own, if it is new.
    pub(super) fn seat(&mut self, role: &R) -> usize {
        let known = self.seats.iter().position(|seat| seat.role == *role);
        known.unwrap_or_else(|| {
            self.seats.push(Seat {
                name: role.name(),
                role: role.clone(),
                presence: Presence::Awaited,
                life: 0,
            });
            self.seats.len() - 1
        })
    }

    /// Who waits for what, and who lies.
    pub(super) fn waits(&self) -> Vec<String> {
        let name = |seat: usize| &self.seats[seat].name;
        let waits = self.waits.values().map(|wait| {
            let to_do = match wait.sends {
                true => "send to",
                false => "receive from",
            };
            let (role, peer) = (name(wait.seat), name(wait.peer));
            format!("{role} has waited since {:?} to {to_do} {peer}", wait.since)
        });
        let lie = self.seats.iter().filter_map(|seat| match seat.presence {
            Presence::Crashed(since) => Some(format!("{} lies since {since:?}", seat.name)),
            _ => None,
        });
        waits.chain(lie).collect()
    }

    fn is_here(&self, player: Player) -> bool {
        let seat = &self.seats[player.seat];
        seat.life == player.life && seat.presence == Presence::Here
    }

    fn names(&self, seats: &[usize]) -> String {
        let names: Vec<&str> = seats
            .iter()
            .map(|seat| self.seats[*seat].name.as_str())
            .collect();
        names.join(", ")
    }

    fn way(&mut self, from: usize, to: usize) -> &mut Way {
        let left = self.seats[from].presence == Presence::Left;
        self.ways.entry((from, to)).or_insert_with(|| {
            let now = Instant::now();
            Way {
                parcels: BTreeMap::new(),
                last: now,
                closed: left.then_some(now),
                waiters: Arc::default(),
            }
        })
    }

    /// Sends the news that a role has left, behind all that it has sent.
    fn close(&mut self, from: usize, to: usize) {
        let arrival = Instant::now() + self.faults.delay.draw(&mut self.rng);
        let way = self.way(from, to);
        let last = way.parcels.last_key_value().map(|((at, _), _)| *at);
        way.closed = Some(arrival.max(way.last).max(last.unwrap_or(arrival)));
    }

    /// Loses what matches: from whom, to whom, and when it would have arrived.
    fn lose(&mut self, is_lost: impl Fn(usize, usize, Instant) -> bool, why: &'static str) {
        let now = self.now();
        for ((from, to), way) in &mut self.ways {
            way.parcels.retain(|(arrival, _), parcel| {
                let lost = is_lost(*from, *to, *arrival);
                if lost {
                    self.history.lost(parcel.row, now, why);
                }
                !lost
            });
        }
    }

    fn send(
        &mut self,
        (player, to): (Player, usize),
        payload: &Incoming,
        text: &str,
    ) -> Look<Result<()>> {
        let from = player.seat;
        if !self.is_here(player) {
            return Look::Done(Err(self.is_gone(player)));
        }
        let (now, instant, capacity) = (self.now(), Instant::now(), self.capacity);
        let is_cut = self.cuts.contains(&(from, to));
        let crashed = matches!(self.seats[to].presence, Presence::Crashed(_));
        let news = self.way(to, from).closed;
        if news.is_some_and(|at| at <= instant) && !is_cut {
            return Look::Done(Err(left()));
        }
        let full = self.way(from, to).parcels.len() >= capacity;
        if full && !is_cut {
            return Look::Wait(news);
        }
        let row = self.history.sent(now, (from, to), text, false);
        let faults = self.faults;
        let lost = if is_cut {
            Some("partition")
        } else if crashed {
            Some("its receiver crashed")
        } else if self.happens(faults.loss) {
            Some("lost")
        } else {
            None
        };
        if let Some(why) = lost {
            self.history.lost(row, now, why);
            return Look::Done(Ok(()));
        }
        let mut arrival = instant + faults.delay.draw(&mut self.rng);
        if self.happens(faults.reorder) {
            arrival += faults.delay.draw(&mut self.rng);
        } else {
            let way = self.way(from, to);
            arrival = arrival.max(way.last);
            way.last = arrival;
        }
        self.put((from, to), arrival, payload, row);
        if self.happens(faults.repeat) {
            let again = arrival + faults.delay.draw(&mut self.rng);
            let row = self.history.sent(now, (from, to), text, true);
            self.put((from, to), again, payload, row);
        }
        Look::Done(Ok(()))
    }

    fn put(&mut self, way: (usize, usize), arrival: Instant, payload: &Incoming, row: u64) {
        self.next += 1;
        let place = (arrival, self.next);
        let payload = payload.clone();
        self.way(way.0, way.1)
            .parcels
            .insert(place, Parcel { payload, row });
    }

    fn recv(&mut self, (player, from): (Player, usize)) -> Look<Result<Incoming>> {
        let to = player.seat;
        if self.seats[to].life != player.life {
            return Look::Done(Err(self.is_gone(player)));
        }
        let (now, instant) = (self.now(), Instant::now());
        let is_cut = self.cuts.contains(&(from, to));
        let is_here = self.is_here(player);
        let way = self.way(from, to);
        if let Some(next) = way.parcels.first_entry() {
            let (arrival, _) = *next.key();
            if arrival > instant {
                return Look::Wait(Some(arrival));
            }
            let parcel = next.remove();
            self.history.received(parcel.row, now);
            return Look::Done(Ok(parcel.payload));
        }
        match way.closed {
            // The news does not pass either.
            _ if !is_here => Look::Done(Err(self.is_gone(player))),
            Some(_) if is_cut => Look::Wait(None),
            Some(at) if at <= instant => Look::Done(Err(left())),
            news => Look::Wait(news),
        }
    }

    /// Draws a lot, if there is anything to draw.
    fn happens(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.rng.f64() < probability
    }

    fn is_gone(&self, player: Player) -> Error {
        let why = match self.seats[player.seat].life == player.life {
            true => "this role has left the session",
            false => "this role has crashed; its new handler goes on",
        };
        Error::new(ErrorKind::Closed, why)
    }
}

trait WakeAll {
    /// Wakes everybody, which must not be done while the state is locked.
    fn wake_all_and_unlock(self);
}

impl<R> WakeAll for MutexGuard<'_, State<R>> {
    fn wake_all_and_unlock(self) {
        let all: Vec<Arc<Waiters>> = self
            .ways
            .values()
            .map(|way| Arc::clone(&way.waiters))
            .collect();
        drop(self);
        all.iter().for_each(|waiters| waiters.wake());
    }
}

/// Lists what a handler waits for, as long as it does.
struct Waiting<'a, R: RoleId> {
    world: &'a World<R>,
    number: u64,
}

impl<'a, R: RoleId> Waiting<'a, R> {
    fn new(world: &'a World<R>, (seat, peer, sends): (usize, usize, bool)) -> Self {
        let mut state = world.state();
        state.next += 1;
        let (number, since) = (state.next, state.now());
        let wait = Wait {
            seat,
            peer,
            sends,
            since,
        };
        state.waits.insert(number, wait);
        drop(state);
        Self { world, number }
    }
}

impl<R: RoleId> Drop for Waiting<'_, R> {
    fn drop(&mut self) {
        self.world.state().waits.remove(&self.number);
    }
}

fn left() -> Error {
    let why = "the peer has left the session (its handler was dropped)";
    Error::new(ErrorKind::Closed, why)
}

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use fastrand::Rng;

use super::fault::Fault;
use crate::core::{Core, Refused};
use crate::pair::Next;
use crate::time::Time;
use crate::wire::{Code, Frame, Kind};
use crate::{Limits, Timing};

const MAX_BATCH: usize = 700;
const SECOND: Duration = Duration::from_secs(1);

/// How one world is.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    seed: u64,
    roles: usize,
    messages: u64,
    /// In percent: frames that the relay loses, and that it repeats.
    loss: u32,
    repeats: u32,
    /// Paths deliver in any order.
    reorders: bool,
    /// How often connections break, on average; never if zero.
    cut_every: Duration,
    /// How often the relay restarts, on average; never if zero.
    restart_every: Duration,
    /// Until when things break.
    until: Time,
    /// A role is started anew, without what it knew.
    pub(super) anew: bool,
    limits: Limits,
}

/// What happened in a world.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub(super) messages: u64,
    pub(super) frames: u64,
    pub(super) cuts: u64,
    pub(super) restarts: u64,
    pub(super) dropped: u64,
}

pub(super) struct World {
    plan: Plan,
    fault: Fault,
    rng: Rng,
    now: Time,
    nodes: Vec<Node>,
    events: BinaryHeap<Reverse<(Time, u64, Event)>>,
    order: u64,
    totals: Totals,
    done_anew: bool,
}

/// One role, its connection and its application.
struct Node {
    core: Core,
    instance: u128,
    /// The number of the connection; frames of older ones are nobody's.
    link: u64,
    up: bool,
    /// Per peer: how many messages were sent, and how many came.
    sent: Vec<u64>,
    came: Vec<u64>,
    ended: Vec<bool>,
    /// Per peer: the number that its next message has.
    due: Vec<u64>,
    closed: bool,
    /// The next deliveries on this connection, so that they keep their order.
    up_at: Time,
    down_at: Time,
    /// For when the clock is set.
    alarm: Option<Time>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// At the relay, from a role.
    Up(usize, u64, Vec<u8>),
    /// At a role.
    Down(usize, u64, Vec<u8>),
    Connect(usize),
    Cut(usize),
    Restart,
    /// The application of a role does something.
    Act(usize),
    Clock(usize),
    Anew(usize),
}

impl Plan {
    pub(super) fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut often = |longest: u64| match rng.u8(0..3) {
            0 => Duration::ZERO,
            _ => Duration::from_millis(rng.u64(20..longest)),
        };
        let cut_every = often(1_500);
        let restart_every = often(4_000);
        let frame = [256, 300, 4_096][rng.usize(0..3)];
        Self {
            seed,
            roles: rng.usize(2..4),
            messages: rng.u64(1..60),
            loss: [0, 0, 1, 10, 30][rng.usize(0..5)],
            repeats: [0, 0, 1, 10][rng.usize(0..4)],
            reorders: rng.u8(0..3) == 0,
            cut_every,
            restart_every,
            until: Time::from_millis(rng.u64(100..6_000)),
            anew: false,
            limits: Limits {
                frame,
                message: 1_000,
                window: rng.u32(2..40),
                window_bytes: rng.u32(256..6_000),
            },
        }
    }
}

impl Totals {
    pub(super) fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.frames += other.frames;
        self.cuts += other.cuts;
        self.restarts += other.restarts;
        self.dropped += other.dropped;
    }
}

impl Node {
    fn new(instance: u128, plan: &Plan) -> Self {
        let peers = plan.roles - 1;
        Self {
            core: Core::new(instance, peers, plan.limits, Timing::default()),
            instance,
            link: 0,
            up: false,
            sent: vec![0; peers],
            came: vec![0; peers],
            ended: vec![false; peers],
            due: vec![1; peers],
            closed: false,
            up_at: Time::ZERO,
            down_at: Time::ZERO,
            alarm: None,
        }
    }
}

impl World {
    pub(super) fn new(plan: Plan, fault: Fault) -> Self {
        let mut rng = Rng::with_seed(plan.seed ^ 0x5eed);
        let nodes = (0..plan.roles)
            .map(|_| Node::new(rng.u128(..), &plan))
            .collect();
        let mut world = Self {
            fault,
            rng,
            now: Time::ZERO,
            nodes,
            events: BinaryHeap::new(),
            order: 0,
            totals: Totals::default(),
            done_anew: false,
            plan,
        };
        for role in 0..world.plan.roles {
            let late = world.within(SECOND / 2);
            world.at(late, Event::Connect(role));
            let late = world.within(SECOND / 5);
            world.at(late, Event::Act(role));
            if world.plan.cut_every > Duration::ZERO {
                let at = world.within(world.plan.cut_every * 2);
                world.at(at, Event::Cut(role));
            }
        }
        if world.plan.restart_every > Duration::ZERO {
            let at = world.within(world.plan.restart_every * 2);
            world.at(at, Event::Restart);
        }
        if world.plan.anew {
            let role = world.rng.usize(0..world.plan.roles);
            let at = world.within(world.plan.until.into());
            world.at(at, Event::Anew(role));
        }
        world
    }

    /// Lets the world run to its end.
    pub(super) fn run(mut self) -> Result<Totals, String> {
        let limit = self.plan.until + 120 * SECOND;
        while let Some(Reverse((at, _, event))) = self.events.pop() {
            self.now = at;
            if at > limit {
                return Err(format!("not done after {at:?}: {}", self.state()));
            }
            self.happen(event)?;
            if self.nodes.iter().any(|node| node.core.lost().is_some()) {
                return self.lost();
            }
            if self.is_done() {
                return self.account();
            }
        }
        Err(format!("nothing happens any more: {}", self.state()))
    }

    fn happen(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Up(role, link, bytes) if self.nodes[role].link == link => {
                if self.nodes[role].up {
                    self.relay(role, bytes);
                }
            }
            Event::Down(role, link, bytes) if self.nodes[role].link == link => {
                let now = self.now;
                if self.nodes[role].up {
                    // Frame by frame, so that it is known which number is due.
                    for frame in frames(bytes.into()) {
                        let node = &mut self.nodes[role];
                        let frame = self.fault.incoming(frame, &node.due);
                        node.core.handle(frame, now);
                        self.look_at_numbers(role);
                    }
                    self.flush(role);
                }
            }
            Event::Up(..) | Event::Down(..) => {}
            Event::Connect(role) => self.connect(role),
            Event::Cut(role) => {
                if self.now < self.plan.until {
                    self.cut(role);
                    let at = self.within(self.plan.cut_every * 2);
                    self.at(at, Event::Cut(role));
                }
            }
            Event::Restart => {
                if self.now < self.plan.until {
                    self.totals.restarts += 1;
                    (0..self.plan.roles).for_each(|role| self.cut(role));
                    let at = self.within(self.plan.restart_every * 2);
                    self.at(at, Event::Restart);
                }
            }
            Event::Act(role) => {
                self.act(role)?;
                let pause = self.within(SECOND / 10);
                self.at(pause, Event::Act(role));
            }
            Event::Clock(role) => {
                if self.nodes[role].alarm != Some(self.now) {
                    return Ok(());
                }
                self.nodes[role].alarm = None;
                if let Some(now) = self.fault.clock(self.now)
                    && self.nodes[role].core.timeout(now)
                {
                    self.cut(role);
                }
                self.flush(role);
            }
            Event::Anew(role) => {
                self.cut(role);
                let instance = self.rng.u128(..);
                let known = self
                    .nodes
                    .iter()
                    .any(|node| node.came.iter().any(|came| *came > 0));
                self.done_anew = known;
                let link = self.nodes[role].link;
                self.nodes[role] = Node::new(instance, &self.plan);
                self.nodes[role].link = link;
            }
        }
        Ok(())
    }

    /// The application: sends, receives, ends its streams.
    fn act(&mut self, role: usize) -> Result<(), String> {
        let (now, messages) = (self.now, self.plan.messages);
        for peer in 0..self.plan.roles - 1 {
            let other = other(role, peer);
            for _ in 0..self.rng.usize(0..6) {
                let node = &mut self.nodes[role];
                if node.sent[peer] == messages {
                    break;
                }
                let message = message(role, other, node.sent[peer], self.plan.limits.message);
                match node.core.send(peer, &mut Some(message)) {
                    Ok(()) => node.sent[peer] += 1,
                    Err(Refused::Full) => break,
                    Err(error) => return Err(format!("send: {error:?}")),
                }
            }
            for _ in 0..self.rng.usize(0..6) {
                let limits = self.plan.limits;
                let node = &mut self.nodes[role];
                let look = node.core.look(peer);
                let parts = (limits.message / limits.frame + 1) as usize;
                if look.waiting > limits.window as usize
                    || look.unacked > limits.window as usize + parts
                {
                    return Err(format!("a queue without a bound: {look:?}"));
                }
                match node.core.recv(peer, now) {
                    Ok(Next::Message(got)) => {
                        let due = message(other, role, node.came[peer], limits.message);
                        if got != due {
                            let (got, due) = (describe(got), describe(due));
                            return Err(format!("{got} came where {due} was due"));
                        }
                        node.came[peer] += 1;
                    }
                    Ok(Next::Wait) => break,
                    Ok(Next::Closed) => {
                        node.ended[peer] = true;
                        break;
                    }
                    Err(_) => return Ok(()),
                }
            }
        }
        let node = &mut self.nodes[role];
        let mut counts = node.sent.iter().chain(&node.came);
        if !node.closed && counts.all(|count| *count == messages) {
            node.closed = true;
            (0..self.plan.roles - 1).for_each(|peer| node.core.close(peer));
        }
        self.flush(role);
        Ok(())
    }

    /// What a relay does: passes frames on under the sender's name, or does not.
    fn relay(&mut self, from: usize, bytes: Vec<u8>) {
        for frame in frames(bytes.into()) {
            let Ok(Some(mut frame)) = Frame::decode(&mut frame.clone(), 1 << 20) else {
                continue;
            };
            if frame.peer == 0 && frame.kind != Kind::Abort {
                continue;
            }
            let data = matches!(frame.kind, Kind::Data | Kind::Fin);
            if self.fault == Fault::TrustsTheRelay && data {
                let mut ack = Frame::new(Kind::Ack, frame.peer);
                ack.ack = frame.seq + 1;
                ack.credit = frame.seq + 2;
                self.down(from, &ack);
            }
            if frame.kind == Kind::Abort {
                for to in (0..self.plan.roles).filter(|to| *to != from) {
                    frame.peer = peer(to, from) as u32 + 1;
                    self.down(to, &frame);
                }
                continue;
            }
            let to = other(from, frame.peer as usize - 1);
            frame.peer = peer(to, from) as u32 + 1;
            let breaks = self.now < self.plan.until;
            if !self.nodes[to].up || breaks && self.rng.u32(0..100) < self.plan.loss {
                self.totals.dropped += 1;
                continue;
            }
            self.totals.frames += u64::from(data);
            self.down(to, &frame);
            if breaks && self.rng.u32(0..100) < self.plan.repeats {
                self.down(to, &frame);
            }
        }
    }

    fn down(&mut self, to: usize, frame: &Frame) {
        let way = self.within(SECOND / 20);
        let node = &mut self.nodes[to];
        let mut at = self.now + way;
        if !(self.plan.reorders && self.now < self.plan.until) {
            at = at.max(node.down_at);
            node.down_at = at;
        }
        let link = node.link;
        self.push(at, Event::Down(to, link, frame.to_bytes().to_vec()));
    }

    fn connect(&mut self, role: usize) {
        let (now, limits) = (self.now, self.plan.limits);
        let node = &mut self.nodes[role];
        if node.up {
            return;
        }
        if self.fault == Fault::CountsAnew && node.link > 0 && role == 0 {
            let core = Core::new(
                node.instance,
                self.plan.roles - 1,
                limits,
                Timing::default(),
            );
            node.core = core;
        }
        node.up = true;
        node.link += 1;
        node.core.link_up(limits, now);
        self.flush(role);
    }

    fn cut(&mut self, role: usize) {
        let node = &mut self.nodes[role];
        if node.up {
            self.totals.cuts += 1;
            node.up = false;
            node.core.link_down();
            let away = self.within(SECOND / 2);
            self.at(away, Event::Connect(role));
        }
    }

    /// Hands out what is due, and sets the clock.
    fn flush(&mut self, role: usize) {
        let Some(now) = self.fault.clock(self.now).or(Some(Time::ZERO)) else {
            return;
        };
        let mut out = BytesMut::new();
        while self.nodes[role].core.transmit(now, MAX_BATCH, &mut out) {
            let bytes = self.fault.outgoing(out.split().freeze());
            let way = self.within(SECOND / 20);
            let node = &mut self.nodes[role];
            let mut at = self.now + way;
            if !(self.plan.reorders && self.now < self.plan.until) {
                at = at.max(node.up_at);
                node.up_at = at;
            }
            let link = node.link;
            self.push(at, Event::Up(role, link, bytes.to_vec()));
        }
        self.look_at_numbers(role);
        let alarm = self.nodes[role].core.deadline(self.now);
        let alarm = alarm.map(|at| at.max(self.now + Duration::from_millis(1)));
        if let Some(at) = alarm
            && self.nodes[role].alarm.is_none_or(|set| at < set)
        {
            self.nodes[role].alarm = Some(at);
            self.push(at, Event::Clock(role));
        }
    }

    fn look_at_numbers(&mut self, role: usize) {
        let node = &mut self.nodes[role];
        for (peer, due) in node.due.iter_mut().enumerate() {
            *due = node.core.due(peer);
        }
    }

    fn is_done(&self) -> bool {
        self.nodes.iter().all(|node| {
            let all = node.came.iter().all(|came| *came == self.plan.messages);
            all && node.closed && node.ended.iter().all(|ended| *ended) && node.core.is_settled()
        })
    }

    fn account(mut self) -> Result<Totals, String> {
        self.totals.messages = self.nodes.iter().flat_map(|node| &node.came).sum();
        Ok(self.totals)
    }

    /// The session is lost: right if a role was started anew, and for that reason only.
    fn lost(self) -> Result<Totals, String> {
        let abort = self.nodes.iter().find_map(|node| node.core.lost());
        let code = abort.map(crate::wire::Abort::code);
        if self.plan.anew && matches!(code, Some(Code::Expired | Code::Malformed | Code::Quota)) {
            return Ok(self.totals);
        }
        Err(format!("lost: {abort:?}"))
    }

    fn state(&self) -> String {
        let nodes = self.nodes.iter().enumerate().map(|(role, node)| {
            let looks: Vec<_> = (0..self.plan.roles - 1)
                .map(|peer| node.core.look(peer))
                .collect();
            format!(
                "\n{role}: up {} sent {:?} came {:?} {looks:?}",
                node.up, node.sent, node.came
            )
        });
        nodes.collect()
    }

    fn within(&mut self, longest: Duration) -> Duration {
        Duration::from_micros(self.rng.u64(1..=longest.as_micros() as u64 + 1))
    }

    fn at(&mut self, after: Duration, event: Event) {
        self.push(self.now + after, event);
    }

    fn push(&mut self, at: Time, event: Event) {
        self.order += 1;
        self.events.push(Reverse((at, self.order, event)));
    }
}

/// The role that is the `peer`th of `role`.
fn other(role: usize, peer: usize) -> usize {
    if peer < role { peer } else { peer + 1 }
}

/// Which peer of `role` the role `other` is.
fn peer(role: usize, other: usize) -> usize {
    if other < role { other } else { other - 1 }
}

/// The messages tell where they belong; now and then one is long.
fn message(from: usize, to: usize, number: u64, longest: u32) -> Bytes {
    let length = match number % 7 {
        0 => 0,
        3 => 300,
        5 => longest as usize - 24,
        _ => 8,
    };
    let mut bytes = Vec::with_capacity(24 + length);
    for part in [from as u64, to as u64, number] {
        bytes.extend_from_slice(&part.to_le_bytes());
    }
    bytes.resize(24 + length, number as u8);
    bytes.into()
}

fn describe(mut message: Bytes) -> String {
    if message.len() < 24 {
        return format!("{message:?}");
    }
    let (from, to, number) = (
        message.get_u64_le(),
        message.get_u64_le(),
        message.get_u64_le(),
    );
    format!(
        "message {number} from {from} to {to} ({} bytes)",
        message.len() + 24
    )
}

fn frames(mut bytes: Bytes) -> Vec<Bytes> {
    let mut all = Vec::new();
    while let Ok(Some(frame)) = Frame::decode(&mut bytes, 1 << 20) {
        all.push(frame.to_bytes());
    }
    all
}

//! What one role sees of a protocol.
//!
//! All that happens between others is left out; points of the protocol that the role cannot tell
//! apart become one state. That is the subset construction of automata, and full merging falls out
//! of it. It is refused where such points ask different things of the role.
//!
//! # Source
//! E. Li, F. Stutz, T. Wies, D. Zufferey, *Complete Multiparty Session Type Projection with
//! Automata*, CAV 2023; here a state receives from one peer only, for a role says from whom it
//! receives.

use std::collections::{BTreeSet, HashMap};

use crate::automaton::{Automaton, Event, NodeId, RoleId};
use crate::{Fault, FaultKind, Local, Message, State, StateId};

/// Points that a role cannot tell apart, and at which it has something to do or is over.
type Points = BTreeSet<NodeId>;

/// How many points are looked at for one part. There are protocols with more states than any machine
/// could hold.
const MOST_LOOKS: usize = 4_000_000;

/// The part of a role.
///
/// # Errors
/// Where it has to know something that it is not told.
pub(crate) fn project(automaton: &Automaton, role: RoleId) -> Result<Local, Fault> {
    let mut projector = Projector {
        automaton,
        role,
        known: HashMap::new(),
        states: Vec::new(),
        open: vec![Open {
            points: vec![automaton.start],
            from: None,
        }],
        seen: vec![0; automaton.nodes.len()],
        closures: 0,
        looks: 0,
    };
    while let Some(open) = projector.open.pop() {
        projector.state(open)?;
    }
    Ok(Local {
        role: automaton.roles[role].clone(),
        states: projector.states,
    })
}

struct Projector<'a> {
    automaton: &'a Automaton,
    role: RoleId,
    known: HashMap<Points, StateId>,
    states: Vec<State>,
    /// What is to become states, the first of them last.
    open: Vec<Open>,
    /// In which closure each point was seen last.
    seen: Vec<usize>,
    closures: usize,
    looks: usize,
}

/// Points that are to become a state, and which state goes on there by which of its ways.
struct Open {
    points: Vec<NodeId>,
    from: Option<(StateId, usize)>,
}

/// What a point asks of the role.
#[derive(Clone, PartialEq, Eq)]
enum Asks<'a> {
    Send(RoleId, &'a Message),
    Recv(RoleId, &'a Message),
    Choose(&'a [RoleId], Vec<&'a str>),
    Offer(RoleId),
    Parallel(NodeId),
    Nothing,
}

impl<'a> Projector<'a> {
    /// Finds the state of some points, or makes it.
    fn state(&mut self, Open { points, from }: Open) -> Result<(), Fault> {
        let points = self.closure(points)?;
        let (known, new) = (self.known.get(&points).copied(), self.states.len());
        if let Some((state, way)) = from {
            self.states[state].go_on(way, known.unwrap_or(new));
        }
        if known.is_some() {
            return Ok(());
        }
        let (state, ways) = self.make(&points)?;
        self.known.insert(points, new);
        self.states.push(state);
        let ways = ways.into_iter().enumerate().rev();
        self.open.extend(ways.map(|(way, points)| Open {
            points,
            from: Some((new, way)),
        }));
        Ok(())
    }

    /// A state whose ways lead nowhere yet, and the points that they are to lead to.
    fn make(&self, points: &Points) -> Result<(State, Vec<Vec<NodeId>>), Fault> {
        const NOWHERE: StateId = 0;
        let mut asked = points.iter().map(|point| (*point, self.asks(*point)));
        let Some((first, asks)) = asked.next() else {
            return Ok((State::End, Vec::new()));
        };
        for (other, also) in asked {
            if !asks.goes_with(&also) {
                return Err(self.untold((first, &asks), (other, &also)));
            }
        }
        let nexts = || {
            let nodes = points.iter().map(|point| &self.automaton.nodes[*point]);
            vec![nodes.flat_map(|node| node.event.next()).collect()]
        };
        let name = |role: RoleId| self.automaton.roles[role].clone();
        Ok(match asks {
            Asks::Nothing => (State::End, Vec::new()),
            Asks::Send(to, message) => {
                let (to, message, next) = (name(to), message.clone(), NOWHERE);
                (State::Send { to, message, next }, nexts())
            }
            Asks::Recv(from, message) => {
                let (from, message, next) = (name(from), message.clone(), NOWHERE);
                let state = State::Recv {
                    from,
                    message,
                    next,
                };
                (state, nexts())
            }
            Asks::Choose(to, _) => {
                let to = to.iter().map(|to| name(*to)).collect();
                let (labels, nexts) = self.branches(points);
                let branches = labels.into_iter().map(|label| (label, NOWHERE)).collect();
                (State::Choose { to, branches }, nexts)
            }
            Asks::Offer(from) => {
                let (labels, nexts) = self.branches(points);
                let branches = labels.into_iter().map(|label| (label, NOWHERE)).collect();
                let from = name(from);
                (State::Offer { from, branches }, nexts)
            }
            Asks::Parallel(fork) => {
                let Event::Fork {
                    branches,
                    parts,
                    next,
                } = &self.automaton.nodes[fork].event
                else {
                    return Ok((State::End, Vec::new()));
                };
                let mine = branches.iter().zip(parts);
                let mine = mine.filter(|(_, part)| part.contains(&self.role));
                let mut ways: Vec<_> = mine.map(|(start, _)| vec![*start]).collect();
                let branches = vec![NOWHERE; ways.len()];
                ways.push(vec![*next]);
                let next = NOWHERE;
                (State::Parallel { branches, next }, ways)
            }
        })
    }

    /// The labels of a choice at any of the points, and where each leads to.
    fn branches(&self, points: &Points) -> (Vec<String>, Vec<Vec<NodeId>>) {
        let mut number_of: HashMap<&str, usize> = HashMap::new();
        let (mut labels, mut nexts) = (Vec::new(), Vec::new());
        for point in points {
            let Event::Choice { branches, .. } = &self.automaton.nodes[*point].event else {
                continue;
            };
            for (label, next) in branches {
                let number = *number_of.entry(label).or_insert_with(|| {
                    labels.push(label.clone());
                    nexts.push(Vec::new());
                    labels.len() - 1
                });
                nexts[number].push(*next);
            }
        }
        (labels, nexts)
    }

    /// The points at which the role is next asked for something, from these on.
    ///
    /// # Errors
    /// If that takes too long.
    fn closure(&mut self, mut open: Vec<NodeId>) -> Result<Points, Fault> {
        self.closures += 1;
        let mut reached = Points::new();
        while let Some(point) = open.pop() {
            if std::mem::replace(&mut self.seen[point], self.closures) == self.closures {
                continue;
            }
            self.looks += 1;
            if self.looks > MOST_LOOKS {
                return Err(self.too_large(point));
            }
            match &self.automaton.nodes[point].event {
                Event::Message { from, to, .. } if [*from, *to].contains(&self.role) => {
                    reached.insert(point);
                }
                Event::Choice { at, to, .. } if *at == self.role || to.contains(&self.role) => {
                    reached.insert(point);
                }
                Event::Fork {
                    branches,
                    parts,
                    next,
                } => {
                    let mine = parts.iter().zip(branches);
                    let mut mine = mine.filter(|(part, _)| part.contains(&self.role));
                    match (mine.next(), mine.next()) {
                        (None, _) => open.push(*next),
                        // One of them is as if it were alone.
                        (Some((_, start)), None) => open.push(*start),
                        (Some(_), Some(_)) => {
                            reached.insert(point);
                        }
                    }
                }
                Event::Joined(fork) => match &self.automaton.nodes[*fork].event {
                    Event::Fork { parts, next, .. } if self.takes_part_once(parts) => {
                        open.push(*next);
                    }
                    _ => {
                        reached.insert(point);
                    }
                },
                Event::End => {
                    reached.insert(point);
                }
                event => open.extend(event.next()),
            }
        }
        Ok(reached)
    }

    fn too_large(&self, point: NodeId) -> Fault {
        let role = &self.automaton.roles[self.role];
        Fault {
            kind: FaultKind::TooLarge,
            place: self.automaton.nodes[point].place.clone(),
            other: None,
            text: format!(
                "it takes too many states to tell what `{role}` knows: tell it of more choices \
                 (`choice at .. to {role}`)"
            ),
        }
    }

    fn takes_part_once(&self, parts: &[std::collections::HashSet<RoleId>]) -> bool {
        let mine = parts.iter().filter(|part| part.contains(&self.role));
        mine.count() == 1
    }

    fn asks(&self, point: NodeId) -> Asks<'a> {
        match &self.automaton.nodes[point].event {
            Event::Message {
                from, to, message, ..
            } if *from == self.role => Asks::Send(*to, message),
            Event::Message { from, message, .. } => Asks::Recv(*from, message),
            Event::Choice { at, to, branches } if *at == self.role => {
                let mut labels: Vec<_> = branches.iter().map(|(label, _)| &**label).collect();
                labels.sort_unstable();
                Asks::Choose(to, labels)
            }
            Event::Choice { at, .. } => Asks::Offer(*at),
            Event::Fork { .. } => Asks::Parallel(point),
            Event::Joined(_) | Event::Goto(_) | Event::End => Asks::Nothing,
        }
    }

    /// The role cannot know which of two things is asked of it.
    fn untold(
        &self,
        (one, asks): (NodeId, &Asks<'_>),
        (other, also): (NodeId, &Asks<'_>),
    ) -> Fault {
        let nodes = &self.automaton.nodes;
        let role = &self.automaton.roles[self.role];
        let (kind, fix) = match [asks, also].contains(&&Asks::Nothing) {
            true => (
                FaultKind::EndUntold,
                "tell it in each way on, the last one, too",
            ),
            false => (FaultKind::Untold, "tell it of the choice before"),
        };
        let [asks, also] = [asks, also].map(|asks| self.in_words(asks));
        Fault {
            kind,
            place: nodes[one].place.clone(),
            other: Some(nodes[other].place.clone()),
            text: format!(
                "`{role}` cannot know whether to {asks} or to {also}: {fix} (`choice at .. to \
                 {role}`)"
            ),
        }
    }

    fn in_words(&self, asks: &Asks<'_>) -> String {
        let name = |role: RoleId| &self.automaton.roles[role];
        match asks {
            Asks::Send(to, message) => format!("send {message} to `{}`", name(*to)),
            Asks::Recv(from, message) => format!("receive {message} from `{}`", name(*from)),
            Asks::Choose(_, labels) => format!("choose among {}", labels.join(", ")),
            Asks::Offer(from) => format!("wait for a choice of `{}`", name(*from)),
            Asks::Parallel(_) => "do several things at once".to_owned(),
            Asks::Nothing => "stop".to_owned(),
        }
    }
}

impl Asks<'_> {
    /// Whether one state can do both: the same, or a choice of the same other.
    fn goes_with(&self, other: &Self) -> bool {
        self == other
    }
}

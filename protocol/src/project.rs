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
    };
    projector.state([automaton.start])?;
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
    /// The state of some points, made if it is new.
    fn state(&mut self, points: impl IntoIterator<Item = NodeId>) -> Result<StateId, Fault> {
        let points = self.closure(points);
        if let Some(known) = self.known.get(&points) {
            return Ok(*known);
        }
        let id = self.states.len();
        self.known.insert(points.clone(), id);
        self.states.push(State::End);
        self.states[id] = self.make(&points)?;
        Ok(id)
    }

    fn make(&mut self, points: &Points) -> Result<State, Fault> {
        let mut asked = points.iter().map(|point| (*point, self.asks(*point)));
        let Some((first, asks)) = asked.next() else {
            return Ok(State::End);
        };
        for (other, also) in asked {
            if !asks.goes_with(&also) {
                return Err(self.untold((first, &asks), (other, &also)));
            }
        }
        let nexts = |automaton: &'a Automaton| {
            let nodes = points
                .iter()
                .map(move |point| &automaton.nodes[*point].event);
            nodes.flat_map(Event::next).collect::<Vec<_>>()
        };
        let name = |role: RoleId| self.automaton.roles[role].clone();
        Ok(match asks {
            Asks::Nothing => State::End,
            Asks::Send(to, message) => State::Send {
                to: name(to),
                message: message.clone(),
                next: self.state(nexts(self.automaton))?,
            },
            Asks::Recv(from, message) => State::Recv {
                from: name(from),
                message: message.clone(),
                next: self.state(nexts(self.automaton))?,
            },
            Asks::Choose(to, _) => State::Choose {
                to: to.iter().map(|to| name(*to)).collect(),
                branches: self.branches(points)?,
            },
            Asks::Offer(from) => State::Offer {
                from: name(from),
                branches: self.branches(points)?,
            },
            Asks::Parallel(fork) => {
                let Event::Fork {
                    branches,
                    parts,
                    next,
                } = &self.automaton.nodes[fork].event
                else {
                    return Ok(State::End);
                };
                let mine = branches.iter().zip(parts);
                let mine: Vec<_> = mine
                    .filter(|(_, part)| part.contains(&self.role))
                    .map(|(start, _)| *start)
                    .collect();
                let branches: Result<_, _> =
                    mine.into_iter().map(|start| self.state([start])).collect();
                State::Parallel {
                    branches: branches?,
                    next: self.state([*next])?,
                }
            }
        })
    }

    /// The ways on after a choice, at any of the points.
    fn branches(&mut self, points: &Points) -> Result<Vec<(String, StateId)>, Fault> {
        let mut ways: Vec<(&str, Vec<NodeId>)> = Vec::new();
        for point in points {
            let Event::Choice { branches, .. } = &self.automaton.nodes[*point].event else {
                continue;
            };
            for (label, next) in branches {
                match ways.iter_mut().find(|(known, _)| known == label) {
                    Some((_, nexts)) => nexts.push(*next),
                    None => ways.push((label, vec![*next])),
                }
            }
        }
        let ways = ways.into_iter();
        ways.map(|(label, nexts)| Ok((label.to_owned(), self.state(nexts)?)))
            .collect()
    }

    /// The points at which the role is next asked for something, from these on.
    fn closure(&self, points: impl IntoIterator<Item = NodeId>) -> Points {
        let mut seen = BTreeSet::new();
        let mut reached = Points::new();
        let mut open: Vec<NodeId> = points.into_iter().collect();
        while let Some(point) = open.pop() {
            if !seen.insert(point) {
                continue;
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
        reached
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

//! Checks a protocol step by step, and makes a graph of it.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::automaton::{Automaton, Event, Node, NodeId, RoleId};
use crate::{Fault, FaultKind, Global, Place, Step};

/// The graph of a protocol.
///
/// # Errors
/// The first thing that is wrong with it whoever takes part.
pub(crate) fn compile(global: &Global) -> Result<Automaton, Fault> {
    let roles = declared(global)?;
    let families = global.roles.iter().map(|role| role.count.is_some());
    let mut compiler = Compiler {
        nodes: Vec::new(),
        families: families.collect(),
        used: HashSet::new(),
        calls: vec![global.name.clone()],
    };
    let end = compiler.node(Event::End, &[]);
    let scope = Scope {
        roles: &roles,
        prefix: Vec::new(),
    };
    let start = compiler.steps(&scope, &global.steps, end, &mut Vec::new(), &mut Vec::new())?;
    let unused = (0..global.roles.len()).find(|role| !compiler.used.contains(role));
    if let Some(unused) = unused {
        let name = &global.roles[unused].name;
        return Err(fault(
            FaultKind::UnusedRole,
            &[],
            format!("role `{name}` takes part in no step: let it, or take it out"),
        ));
    }
    let automaton = Automaton {
        roles: global.roles.iter().map(|role| role.name.clone()).collect(),
        nodes: compiler.nodes,
        start,
    };
    guarded(&automaton)?;
    Ok(automaton)
}

/// No role has this name.
pub(crate) fn unknown<N: fmt::Display>(name: &str, known: impl IntoIterator<Item = N>) -> Fault {
    let mut known: Vec<_> = known.into_iter().map(|role| format!("`{role}`")).collect();
    known.sort();
    let known = known.join(", ");
    let text = format!("role `{name}` is not declared; those that are: {known}");
    fault(FaultKind::UnknownRole, &[], text)
}

fn fault(kind: FaultKind, place: &[usize], text: String) -> Fault {
    Fault {
        kind,
        place: place.to_vec(),
        other: None,
        text,
    }
}

struct Compiler {
    nodes: Vec<Node>,
    /// Which roles are families.
    families: Vec<bool>,
    used: HashSet<RoleId>,
    /// The protocols that are being put in, from the outermost on.
    calls: Vec<String>,
}

/// Whom the names of a protocol stand for.
struct Scope<'a> {
    roles: &'a HashMap<&'a str, RoleId>,
    /// Where it was called.
    prefix: Place,
}

/// A loop around the steps: its name, where it begins and where it goes on.
struct Around<'a> {
    name: &'a str,
    start: NodeId,
    after: NodeId,
}

impl Compiler {
    fn node(&mut self, event: Event, place: &[usize]) -> NodeId {
        self.nodes.push(Node {
            event,
            place: place.to_vec(),
        });
        self.nodes.len() - 1
    }

    /// Puts steps before `next`, and gives where they begin.
    fn steps<'a>(
        &mut self,
        scope: &Scope<'_>,
        steps: &'a [Step],
        next: NodeId,
        loops: &mut Vec<Around<'a>>,
        place: &mut Place,
    ) -> Result<NodeId, Fault> {
        // What leaves can only be the last of them.
        for (number, pair) in steps.windows(2).enumerate() {
            if leaves(&pair[0]) {
                let at = scope.at(place, number + 1);
                let text = "this never happens: the step before it does not come to its end";
                return Err(fault(FaultKind::Unreachable, &at, text.to_owned()));
            }
        }
        let mut next = next;
        for (number, step) in steps.iter().enumerate().rev() {
            place.push(number);
            next = self.step(scope, step, next, loops, place)?;
            place.pop();
        }
        Ok(next)
    }

    fn step<'a>(
        &mut self,
        scope: &Scope<'_>,
        step: &'a Step,
        next: NodeId,
        loops: &mut Vec<Around<'a>>,
        place: &mut Place,
    ) -> Result<NodeId, Fault> {
        let here = scope.whole(place);
        match step {
            Step::Message { from, to, message } => {
                let (from, to) = self.pair(scope, from, to, &here)?;
                let message = message.clone();
                let event = Event::Message {
                    from,
                    to,
                    message,
                    next,
                };
                Ok(self.node(event, &here))
            }
            Step::Choice { at, to, branches } => {
                let chooser = self.role(scope, at, &here)?;
                if self.families[chooser] {
                    let text = format!(
                        "each member of the family `{at}` would decide for itself: let another \
                         role decide, and tell `{at}`"
                    );
                    return Err(fault(FaultKind::Family, &here, text));
                }
                let (mut told, mut are_told) = (Vec::new(), HashSet::new());
                for name in to {
                    let (_, to) = self.pair(scope, at, name, &here)?;
                    if !are_told.insert(to) {
                        let text = format!("`{name}` is told twice: name it once");
                        return Err(fault(FaultKind::RoleTwice, &here, text));
                    }
                    told.push(to);
                }
                if told.is_empty() || branches.is_empty() {
                    let text = match told.is_empty() {
                        true => format!("nobody is told of this choice: `choice at {at} to ..`"),
                        false => "this choice has no branch".to_owned(),
                    };
                    return Err(fault(FaultKind::EmptyChoice, &here, text));
                }
                let (mut ways, mut labels) = (Vec::new(), HashSet::new());
                for (number, branch) in branches.iter().enumerate() {
                    place.push(number);
                    if !labels.insert(&branch.label) {
                        let at = scope.whole(place);
                        let text = format!(
                            "label `{}` stands here already: give each branch its own",
                            branch.label
                        );
                        return Err(fault(FaultKind::LabelTwice, &at, text));
                    }
                    let start = self.steps(scope, &branch.steps, next, loops, place)?;
                    place.pop();
                    ways.push((branch.label.clone(), start));
                }
                let event = Event::Choice {
                    at: chooser,
                    to: told,
                    branches: ways,
                };
                Ok(self.node(event, &here))
            }
            Step::Loop { name, steps } => {
                let start = self.node(Event::End, &here);
                loops.push(Around {
                    name,
                    start,
                    after: next,
                });
                let body = self.steps(scope, steps, start, loops, place)?;
                loops.pop();
                self.nodes[start].event = Event::Goto(body);
                Ok(start)
            }
            Step::Break(name) => {
                let after = around(loops, name, &here)?.after;
                Ok(self.node(Event::Goto(after), &here))
            }
            Step::Continue(name) => {
                let start = around(loops, name, &here)?.start;
                Ok(self.node(Event::Goto(start), &here))
            }
            Step::Parallel(branches) => self.fork(scope, branches, next, place, &here),
            Step::Call { protocol, roles } => self.call(scope, protocol, roles, next, &here),
        }
    }

    fn fork(
        &mut self,
        scope: &Scope<'_>,
        branches: &[Vec<Step>],
        next: NodeId,
        place: &mut Place,
        here: &[usize],
    ) -> Result<NodeId, Fault> {
        let fork = self.node(Event::End, here);
        let (mut starts, mut parts) = (Vec::new(), Vec::new());
        // Who sends to whom in the branches so far.
        let mut channels: HashMap<(RoleId, RoleId), usize> = HashMap::new();
        for (number, steps) in branches.iter().enumerate() {
            let first = self.nodes.len();
            let joined = self.node(Event::Joined(fork), here);
            place.push(number);
            // A loop around all of them cannot be left by one.
            let start = self.steps(scope, steps, joined, &mut Vec::new(), place)?;
            place.pop();
            let mut part = HashSet::new();
            for node in &self.nodes[first..] {
                for (from, to) in pairs(&node.event) {
                    part.extend([from, to]);
                    let before = channels.insert((from, to), number);
                    if before.is_some_and(|before| before != number) {
                        let [from, to] = [from, to].map(|role| scope.name(role));
                        let text = format!(
                            "two branches at once send from `{from}` to `{to}`, who cannot tell \
                             them apart: put them one after the other"
                        );
                        return Err(fault(FaultKind::SharedChannel, &node.place, text));
                    }
                }
            }
            starts.push(start);
            parts.push(part);
        }
        self.nodes[fork].event = Event::Fork {
            branches: starts,
            parts,
            next,
        };
        Ok(fork)
    }

    fn call(
        &mut self,
        scope: &Scope<'_>,
        protocol: &Global,
        roles: &[String],
        next: NodeId,
        here: &[usize],
    ) -> Result<NodeId, Fault> {
        let name = &protocol.name;
        if self.calls.contains(name) {
            let text = format!("protocol `{name}` calls itself: use a loop");
            return Err(fault(FaultKind::Recursive, here, text));
        }
        declared(protocol)?;
        if protocol.roles.len() != roles.len() {
            let (due, are) = (protocol.roles.len(), roles.len());
            let all: Vec<_> = protocol.roles.iter().map(|role| &*role.name).collect();
            let text = format!(
                "protocol `{name}` has {due} roles, and {are} are named: say who plays {}",
                all.join(", ")
            );
            return Err(fault(FaultKind::Arity, here, text));
        }
        let (mut inner, mut players) = (HashMap::new(), HashSet::new());
        for (declared, plays) in protocol.roles.iter().zip(roles) {
            let role = self.role(scope, plays, here)?;
            if !players.insert(role) {
                let text = format!("`{plays}` cannot play two roles of protocol `{name}`");
                return Err(fault(FaultKind::Arity, here, text));
            }
            inner.insert(declared.name.as_str(), role);
        }
        self.calls.push(name.clone());
        let scope = Scope {
            roles: &inner,
            prefix: here.to_vec(),
        };
        let start = self.steps(
            &scope,
            &protocol.steps,
            next,
            &mut Vec::new(),
            &mut Vec::new(),
        );
        self.calls.pop();
        start
    }

    fn pair(
        &mut self,
        scope: &Scope<'_>,
        from: &str,
        to: &str,
        here: &[usize],
    ) -> Result<(RoleId, RoleId), Fault> {
        let pair = (self.role(scope, from, here)?, self.role(scope, to, here)?);
        if from != to {
            return Ok(pair);
        }
        let (kind, text) = match self.families[pair.0] {
            true => (
                FaultKind::Family,
                format!(
                    "the members of the family `{from}` do not speak to each other: let another \
                     role pass it on, or give the family a fixed number, `{from}[3]`, and name \
                     two of them, `{from}[0] -> {from}[1]`"
                ),
            ),
            false => (
                FaultKind::Itself,
                format!("`{from}` says this to itself: name another role"),
            ),
        };
        Err(fault(kind, here, text))
    }

    fn role(&mut self, scope: &Scope<'_>, name: &str, here: &[usize]) -> Result<RoleId, Fault> {
        let role = scope.roles.get(name).copied().ok_or_else(|| {
            let fault = unknown(name, scope.roles.keys());
            Fault {
                place: here.to_vec(),
                ..fault
            }
        })?;
        self.used.insert(role);
        Ok(role)
    }
}

impl Scope<'_> {
    /// The place in the outermost protocol.
    fn whole(&self, place: &[usize]) -> Place {
        // A step of a called protocol is shown where it is called.
        match self.prefix.is_empty() {
            true => place.to_vec(),
            false => self.prefix.clone(),
        }
    }

    fn at(&self, place: &[usize], number: usize) -> Place {
        let mut place = place.to_vec();
        place.push(number);
        self.whole(&place)
    }

    fn name(&self, role: RoleId) -> &str {
        let named = self.roles.iter().find(|(_, known)| **known == role);
        named.map_or("?", |(name, _)| name)
    }
}

/// The roles of a protocol, by name.
fn declared(global: &Global) -> Result<HashMap<&str, RoleId>, Fault> {
    let mut roles = HashMap::new();
    for (number, role) in global.roles.iter().enumerate() {
        if roles.insert(role.name.as_str(), number).is_some() {
            let text = format!("role `{}` is declared twice", role.name);
            return Err(fault(FaultKind::RoleTwice, &[], text));
        }
    }
    Ok(roles)
}

fn around<'a, 'l>(
    loops: &'l [Around<'a>],
    name: &str,
    here: &[usize],
) -> Result<&'l Around<'a>, Fault> {
    let known: Vec<_> = loops
        .iter()
        .map(|around| format!("`{}`", around.name))
        .collect();
    let found = loops.iter().rev().find(|around| around.name == name);
    found.ok_or_else(|| {
        let known = match known.is_empty() {
            true => "there is none around it (branches at once have none)".to_owned(),
            false => format!("those around it: {}", known.join(", ")),
        };
        let text = format!("no loop `{name}` is around this; {known}");
        fault(FaultKind::UnknownLoop, here, text)
    })
}

/// Whether nothing can come after a step.
fn leaves(step: &Step) -> bool {
    match step {
        Step::Break(_) | Step::Continue(_) => true,
        Step::Loop { name, steps } => !steps.iter().any(|step| breaks(step, name)),
        Step::Choice { branches, .. } => {
            let leaves = |steps: &[Step]| steps.last().is_some_and(leaves);
            !branches.is_empty() && branches.iter().all(|branch| leaves(&branch.steps))
        }
        Step::Message { .. } | Step::Parallel(_) | Step::Call { .. } => false,
    }
}

/// Whether a step leaves the loop of that name.
fn breaks(step: &Step, name: &str) -> bool {
    match step {
        Step::Break(left) => left == name,
        Step::Choice { branches, .. } => {
            let mut steps = branches.iter().flat_map(|branch| &branch.steps);
            steps.any(|step| breaks(step, name))
        }
        Step::Loop { name: inner, steps } => {
            inner != name && steps.iter().any(|step| breaks(step, name))
        }
        _ => false,
    }
}

/// Who sends to whom in one event.
fn pairs(event: &Event) -> Vec<(RoleId, RoleId)> {
    match event {
        Event::Message { from, to, .. } => vec![(*from, *to)],
        Event::Choice { at, to, .. } => to.iter().map(|to| (*at, *to)).collect(),
        _ => Vec::new(),
    }
}

/// No loop begins again without anything having happened.
fn guarded(automaton: &Automaton) -> Result<(), Fault> {
    // From which node each was looked at first.
    let mut seen = vec![None; automaton.nodes.len()];
    for (number, node) in automaton.nodes.iter().enumerate() {
        let mut at = number;
        while let Event::Goto(next) = automaton.nodes[at].event {
            match seen[at].replace(number) {
                Some(before) if before == number => {
                    let text = "this loop begins again without anything having happened: let \
                                somebody send something in it";
                    return Err(fault(FaultKind::Unguarded, &node.place, text.to_owned()));
                }
                Some(_) => break,
                None => at = next,
            }
        }
    }
    Ok(())
}

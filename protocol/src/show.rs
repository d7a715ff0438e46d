//! Protocols and parts in words, as they are written.

use std::fmt::{self, Display, Formatter};

use crate::{Branch, Global, Local, Message, RoleDecl, State, StateId, Step};

impl Display for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.carries.is_empty() {
            true => Ok(()),
            false => write!(f, "({})", self.carries.join(", ")),
        }
    }
}

impl Display for RoleDecl {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.count {
            Some(count) => write!(f, "[{count}]"),
            None => Ok(()),
        }
    }
}

/// As `choreography!` takes it.
impl Display for Global {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        doc(f, 0, &self.doc)?;
        writeln!(f, "protocol {} {{", self.name)?;
        let plain = self.roles.iter().all(|role| role.doc.is_empty());
        if plain {
            let roles: Vec<_> = self.roles.iter().map(ToString::to_string).collect();
            writeln!(f, "    roles {};", roles.join(", "))?;
        } else {
            writeln!(f, "    roles")?;
            for (number, role) in self.roles.iter().enumerate() {
                doc(f, 2, &role.doc)?;
                let end = if number + 1 < self.roles.len() {
                    ","
                } else {
                    ";"
                };
                line(f, 2, format_args!("{role}{end}"))?;
            }
        }
        steps(f, 1, &self.steps)?;
        f.write_str("}")
    }
}

/// How deep a part is written within itself; deeper, it goes on outside.
const MOST_DEPTH: usize = 16;

/// The lines of the protocol that are about the role. `at 3:` names a state, and `goto 3;` goes on
/// there.
impl Display for Local {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {{", self.role)?;
        let mut printer = Printer {
            local: self,
            reached: self.reached(),
            shown: vec![false; self.states.len()],
            left: Vec::new(),
        };
        printer.from(f, 1, Self::START)?;
        while let Some(state) = printer.left.pop() {
            if !printer.shown[state] {
                // Its name is what leads to it.
                printer.reached[state] = usize::MAX;
                printer.from(f, 1, state)?;
            }
        }
        f.write_str("}")
    }
}

struct Printer<'a> {
    local: &'a Local,
    /// From how many places each state is reached.
    reached: Vec<usize>,
    shown: Vec<bool>,
    /// Those that were too deep.
    left: Vec<StateId>,
}

impl Printer<'_> {
    fn from(&mut self, f: &mut Formatter<'_>, depth: usize, state: StateId) -> fmt::Result {
        let mut at = state;
        loop {
            let own = &self.local.role;
            let is_end = matches!(self.local.states[at], State::End);
            if is_end {
                return Ok(());
            }
            if depth > MOST_DEPTH {
                self.left.push(at);
            }
            if self.shown[at] || depth > MOST_DEPTH {
                return line(f, depth, format_args!("goto {at};"));
            }
            self.shown[at] = true;
            if self.reached[at] > 1 {
                line(f, depth - 1, format_args!("at {at}:"))?;
            }
            match &self.local.states[at] {
                State::Send { to, message, next } => {
                    line(f, depth, format_args!("{own} -> {to}: {message};"))?;
                    at = *next;
                }
                State::Recv {
                    from,
                    message,
                    next,
                } => {
                    line(f, depth, format_args!("{from} -> {own}: {message};"))?;
                    at = *next;
                }
                State::Choose { to, branches } => {
                    let to = to.join(", ");
                    line(f, depth, format_args!("choice at {own} to {to} {{"))?;
                    return self.branches(f, depth, branches);
                }
                State::Offer { from, branches } => {
                    line(f, depth, format_args!("choice at {from} to {own} {{"))?;
                    return self.branches(f, depth, branches);
                }
                State::Parallel { branches, next } => {
                    for (number, branch) in branches.iter().enumerate() {
                        let word = if number == 0 { "par" } else { "and" };
                        line(f, depth, format_args!("{word} {{"))?;
                        self.from(f, depth + 1, *branch)?;
                        line(f, depth, format_args!("}}"))?;
                    }
                    at = *next;
                }
                State::End => return Ok(()),
            }
        }
    }

    fn branches(
        &mut self,
        f: &mut Formatter<'_>,
        depth: usize,
        branches: &[(String, StateId)],
    ) -> fmt::Result {
        for (label, next) in branches {
            line(f, depth + 1, format_args!("{label} => {{"))?;
            self.from(f, depth + 2, *next)?;
            line(f, depth + 1, format_args!("}}"))?;
        }
        line(f, depth, format_args!("}}"))
    }
}

impl Local {
    /// From how many places each state is reached.
    fn reached(&self) -> Vec<usize> {
        let mut reached = vec![0; self.states.len()];
        for next in self.states.iter().flat_map(State::next) {
            reached[next] += 1;
        }
        reached
    }
}

fn steps(f: &mut Formatter<'_>, depth: usize, steps: &[Step]) -> fmt::Result {
    steps.iter().try_for_each(|step| one(f, depth, step))
}

fn one(f: &mut Formatter<'_>, depth: usize, step: &Step) -> fmt::Result {
    let close = |f: &mut Formatter<'_>| line(f, depth, format_args!("}}"));
    match step {
        Step::Message { from, to, message } => {
            line(f, depth, format_args!("{from} -> {to}: {message};"))
        }
        Step::Choice { at, to, branches } => {
            let to = to.join(", ");
            line(f, depth, format_args!("choice at {at} to {to} {{"))?;
            for Branch { label, steps: then } in branches {
                if then.is_empty() {
                    line(f, depth + 1, format_args!("{label} => {{}}"))?;
                    continue;
                }
                line(f, depth + 1, format_args!("{label} => {{"))?;
                steps(f, depth + 2, then)?;
                line(f, depth + 1, format_args!("}}"))?;
            }
            close(f)
        }
        Step::Loop { name, steps: body } => {
            line(f, depth, format_args!("loop {name} {{"))?;
            steps(f, depth + 1, body)?;
            close(f)
        }
        Step::Break(name) => line(f, depth, format_args!("break {name};")),
        Step::Continue(name) => line(f, depth, format_args!("continue {name};")),
        Step::Parallel(branches) => {
            for (number, branch) in branches.iter().enumerate() {
                let word = if number == 0 { "par" } else { "and" };
                line(f, depth, format_args!("{word} {{"))?;
                steps(f, depth + 1, branch)?;
                close(f)?;
            }
            Ok(())
        }
        Step::Call { protocol, roles } => {
            let roles = roles.join(", ");
            line(f, depth, format_args!("do {}({roles});", protocol.name))
        }
    }
}

fn doc(f: &mut Formatter<'_>, depth: usize, doc: &str) -> fmt::Result {
    let mut lines = doc.lines();
    lines.try_for_each(|text| line(f, depth, format_args!("/// {text}")))
}

fn line(f: &mut Formatter<'_>, depth: usize, text: fmt::Arguments<'_>) -> fmt::Result {
    writeln!(f, "{:depth$}{text}", "", depth = 4 * depth)
}

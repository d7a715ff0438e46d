//! Protocols and parts as Mermaid diagrams.

use std::fmt::Write;

use crate::{Global, Local, State, Step};

impl Global {
    /// A sequence diagram, in Mermaid's notation.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut text = "sequenceDiagram\n".to_owned();
        for role in &self.roles {
            let _ = match role.count {
                Some(_) => writeln!(text, "    participant {} as {role}", role.name),
                None => writeln!(text, "    participant {}", role.name),
            };
        }
        steps(&mut text, 1, &self.steps);
        text
    }
}

impl Local {
    /// A state diagram, in Mermaid's notation: `!` sends, `?` receives.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut text = "stateDiagram-v2\n    [*] --> s0\n".to_owned();
        for (number, state) in self.states.iter().enumerate() {
            let mut edge = |next: usize, what: String| {
                let _ = writeln!(text, "    s{number} --> s{next}: {what}");
            };
            match state {
                State::Send { to, message, next } => edge(*next, format!("{to} ! {message}")),
                State::Recv {
                    from,
                    message,
                    next,
                } => edge(*next, format!("{from} ? {message}")),
                State::Choose { to, branches } => {
                    let to = to.join(", ");
                    for (label, next) in branches {
                        edge(*next, format!("{to} ! {label}"));
                    }
                }
                State::Offer { from, branches } => {
                    for (label, next) in branches {
                        edge(*next, format!("{from} ? {label}"));
                    }
                }
                State::Parallel { branches, next } => {
                    for branch in branches {
                        edge(*branch, "at once".to_owned());
                    }
                    edge(*next, "when all are over".to_owned());
                }
                State::End => {
                    let _ = writeln!(text, "    s{number} --> [*]");
                }
            }
        }
        text
    }
}

fn steps(text: &mut String, depth: usize, all: &[Step]) {
    for step in all {
        one(text, depth, step);
    }
}

fn one(text: &mut String, depth: usize, step: &Step) {
    let indent = "    ".repeat(depth);
    // Writing to a string does not fail.
    let _ = match step {
        Step::Message { from, to, message } => {
            writeln!(text, "{indent}{from}->>{to}: {message}")
        }
        Step::Choice { at, to, branches } => {
            for (number, branch) in branches.iter().enumerate() {
                let word = if number == 0 { "alt" } else { "else" };
                let _ = writeln!(text, "{indent}{word} {}", branch.label);
                for to in to {
                    let _ = writeln!(text, "{indent}    {at}-->>{to}: {}", branch.label);
                }
                steps(text, depth + 1, &branch.steps);
            }
            writeln!(text, "{indent}end")
        }
        Step::Loop { name, steps: body } => {
            let _ = writeln!(text, "{indent}loop {name}");
            steps(text, depth + 1, body);
            writeln!(text, "{indent}end")
        }
        Step::Break(name) => writeln!(text, "{indent}%% leaves {name}"),
        Step::Continue(name) => writeln!(text, "{indent}%% {name} begins again"),
        Step::Parallel(branches) => {
            for (number, branch) in branches.iter().enumerate() {
                let word = if number == 0 { "par" } else { "and" };
                let _ = writeln!(text, "{indent}{word} {}", number + 1);
                steps(text, depth + 1, branch);
            }
            writeln!(text, "{indent}end")
        }
        Step::Call { protocol, roles } => match roles.as_slice() {
            [] => Ok(()),
            [one] => writeln!(text, "{indent}Note over {one}: {}", protocol.name),
            [first, .., last] => {
                writeln!(text, "{indent}Note over {first},{last}: {}", protocol.name)
            }
        },
    };
}

use choreo_protocol::{Local, State, StateId};

use crate::{Effect, Error, ErrorKind, Program, Result, RoleId};

/// A loop of a fixed number of times becomes as many steps, up to this number in all.
const MOST_STATES: usize = 100_000;

impl<R: RoleId, M> Program<R, M> {
    /// The program as a part in a protocol, to be compared with what is due there. Its messages are
    /// all of one type, so they stand for any (`_`).
    ///
    /// ```
    /// use choreo_core::Program;
    /// use choreo_protocol::{Global, Step};
    ///
    /// let ping_pong = Global::new("PingPong")
    ///     .role("Alice")
    ///     .role("Bob")
    ///     .then(Step::message("Alice", "Bob", "Ping"))
    ///     .then(Step::message("Bob", "Alice", "Pong"));
    /// let due = ping_pong.project("Alice").expect("it is sound");
    ///
    /// let alice = Program::new().send("Bob", 1_u32).recv::<u32>("Bob").end();
    /// alice.part(&"Alice")?.refines(&due).expect("that is her part");
    ///
    /// let waits = Program::new().recv::<u32>("Bob").send("Bob", 1_u32).end();
    /// let differs = waits.part(&"Alice")?.refines(&due).unwrap_err();
    /// assert!(differs.why.contains("must not come before"), "{differs}");
    /// # Ok::<(), choreo_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Program`](ErrorKind::Program) where it is not valid, or does what a protocol cannot tell of,
    /// naming the step: an offer without branches, something else when a time is over, an extension.
    pub fn part(&self, role: &R) -> Result<Local> {
        self.validate()?;
        let mut states = States(vec![State::End]);
        let end = states.end();
        let start = states.program(self, end, None)?;
        Ok(states.into_local(role.name(), start))
    }
}

struct States(Vec<State>);

impl States {
    fn end(&self) -> StateId {
        0
    }

    fn add(&mut self, state: State) -> Result<StateId> {
        if self.0.len() >= MOST_STATES {
            return Err(refused("it has too many steps to be compared"));
        }
        self.0.push(state);
        Ok(self.0.len() - 1)
    }

    /// Puts a program before `next`; a loop around it is left to `exit`. Gives where it begins.
    fn program<R: RoleId, M>(
        &mut self,
        program: &Program<R, M>,
        next: StateId,
        exit: Option<StateId>,
    ) -> Result<StateId> {
        let (mut next, mut after) = (next, None);
        for (index, effect) in program.effects().iter().enumerate().rev() {
            next = self
                .effect(effect, next, exit, after.replace(effect))
                .map_err(|error| error.at_place(&format_args!("step {} ({effect})", index + 1)))?;
        }
        Ok(next)
    }

    fn effect<R: RoleId, M>(
        &mut self,
        effect: &Effect<R, M>,
        mut next: StateId,
        exit: Option<StateId>,
        after: Option<&Effect<R, M>>,
    ) -> Result<StateId> {
        match effect {
            Effect::Send { to, .. } => self.send(to, next),
            Effect::Broadcast { to, .. } => {
                let mut to = to.iter().rev();
                to.try_fold(next, |next, to| self.send(to, next))
            }
            Effect::Recv { from } => self.add(State::Recv {
                from: from.name(),
                message: "_".into(),
                next,
            }),
            Effect::Choose { to, label } => {
                let (to, label) = (to.name(), label.as_str());
                // Several who are told of one choice, one after the other.
                if let Some(Effect::Choose { .. }) = after
                    && let State::Choose { to: told, branches } = &mut self.0[next]
                    && let [(known, _)] = branches.as_slice()
                    && known == label
                    && !told.contains(&to)
                {
                    told.insert(0, to);
                    return Ok(next);
                }
                self.add(State::Choose {
                    to: vec![to],
                    branches: vec![(label.to_owned(), next)],
                })
            }
            Effect::Branch { from, branches } => {
                let ways: Result<Vec<_>> = branches
                    .iter()
                    .map(|(label, body)| {
                        Ok((label.as_str().to_owned(), self.program(body, next, exit)?))
                    })
                    .collect();
                let (from, branches) = (from.name(), ways?);
                self.add(State::Offer { from, branches })
            }
            Effect::Loop { times: None, body } => {
                // Where it begins is known when its end is.
                let start = self.add(State::End)?;
                let first = self.program(body, start, Some(next))?;
                if first == start {
                    return Err(refused("it goes round for ever and does nothing"));
                }
                self.forward(start, first);
                Ok(first)
            }
            Effect::Loop {
                times: Some(times),
                body,
            } => {
                let after = next;
                for _ in 0..*times {
                    let before = next;
                    next = self.program(body, next, Some(after))?;
                    if next == before {
                        break;
                    }
                }
                Ok(next)
            }
            Effect::ExitLoop => Ok(exit.unwrap_or(next)),
            Effect::Parallel { programs } => {
                let mut branches = Vec::new();
                for program in programs {
                    let end = self.add(State::End)?;
                    let start = self.program(program, end, None)?;
                    // Nothing is done at once with what does nothing.
                    if start != end {
                        branches.push((start, end));
                    }
                }
                match *branches {
                    [] => Ok(next),
                    [(start, end)] => {
                        self.forward(end, next);
                        Ok(start)
                    }
                    _ => {
                        let branches = branches.into_iter().map(|(start, _)| start).collect();
                        self.add(State::Parallel { branches, next })
                    }
                }
            }
            Effect::Timeout {
                body,
                fallback: None,
                ..
            } => self.program(body, next, exit),
            Effect::Timeout { .. } => Err(refused(
                "what is done when the time is over is not known to others",
            )),
            Effect::Offer { .. } => Err(refused(
                "what is done then depends on nothing that can be seen: use `branch`",
            )),
            Effect::Extension { .. } => Err(refused("what an extension does cannot be seen")),
            Effect::End => Ok(next),
        }
    }

    fn send<R: RoleId>(&mut self, to: &R, next: StateId) -> Result<StateId> {
        self.add(State::Send {
            to: to.name(),
            message: "_".into(),
            next,
        })
    }

    /// Whatever leads to one state leads to another.
    fn forward(&mut self, from: StateId, to: StateId) {
        let turn = |next: &mut StateId| {
            if *next == from {
                *next = to;
            }
        };
        for state in &mut self.0 {
            match state {
                State::Send { next, .. } | State::Recv { next, .. } => turn(next),
                State::Choose { branches, .. } | State::Offer { branches, .. } => {
                    branches.iter_mut().for_each(|(_, next)| turn(next));
                }
                State::Parallel { branches, next } => {
                    branches.iter_mut().for_each(turn);
                    turn(next);
                }
                State::End => {}
            }
        }
    }

    /// The part, whose first state is where it begins.
    fn into_local(mut self, role: String, start: StateId) -> Local {
        let first = Local::START;
        if start != first {
            // The two change places.
            let spare = self.0.len();
            self.0.push(State::End);
            self.forward(first, spare);
            self.forward(start, first);
            self.forward(spare, start);
            self.0.pop();
            self.0.swap(first, start);
        }
        Local {
            role,
            states: self.0,
        }
    }
}

fn refused(detail: &str) -> Error {
    Error::new(ErrorKind::Program, format!("not to be compared: {detail}"))
}

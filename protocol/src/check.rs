//! Whether a part that was not projected from a protocol is one at all.

use std::collections::HashSet;

use crate::{Fault, FaultKind, Local, State, StateId};

/// How deep things that are done at once may be within others.
const MOST_DEPTH: usize = 32;

impl Local {
    /// Whether all that it says of its states is so: what [`Global::project`](crate::Global::project)
    /// gives is sound, and what is written by hand or comes from outside may not be. Whatever else is
    /// done with a part that is not sound may panic or go on for ever.
    ///
    /// ```
    /// use choreo_protocol::{Local, State};
    ///
    /// let send = State::Send { to: "B".into(), message: "Ping".into(), next: 7 };
    /// let fault = Local { role: "A".into(), states: vec![send] }.check().unwrap_err();
    /// assert_eq!(fault.to_string(), "state 0 goes on at state 7, and there is none: there are 1, from 0 on");
    /// ```
    ///
    /// # Errors
    /// The first thing that is wrong, naming the state.
    pub fn check(&self) -> Result<(), Fault> {
        if self.states.is_empty() {
            let text = "this part has no states: the least is one that is the end";
            return Err(fault(FaultKind::UnknownState, text.to_owned()));
        }
        for (number, state) in self.states.iter().enumerate() {
            self.check_state(number, state)?;
        }
        self.check_regions()
    }

    fn check_state(&self, number: StateId, state: &State) -> Result<(), Fault> {
        let count = self.states.len();
        if let Some(next) = state.next().into_iter().find(|next| *next >= count) {
            let text = format!(
                "state {number} goes on at state {next}, and there is none: there are {count}, from 0 on"
            );
            return Err(fault(FaultKind::UnknownState, text));
        }
        let (peers, labels) = match state {
            State::Send { to, .. } => (std::slice::from_ref(to), None),
            State::Recv { from, .. } => (std::slice::from_ref(from), None),
            State::Choose { to, branches } => (&**to, Some(branches)),
            State::Offer { from, branches } => (std::slice::from_ref(from), Some(branches)),
            State::Parallel { branches, .. } => return self.check_parallel(number, branches),
            State::End => return Ok(()),
        };
        if peers.contains(&self.role) {
            let text = format!("in state {number} `{}` speaks with itself", self.role);
            return Err(fault(FaultKind::Itself, text));
        }
        if let Some(twice) = twice(peers) {
            let text = format!("in state {number} `{twice}` is told twice");
            return Err(fault(FaultKind::RoleTwice, text));
        }
        let Some(labels) = labels else { return Ok(()) };
        if labels.is_empty() || peers.is_empty() {
            let text = format!("the choice in state {number} has no branch, or tells nobody");
            return Err(fault(FaultKind::EmptyChoice, text));
        }
        if let Some(twice) = twice(labels.iter().map(|(label, _)| label)) {
            let text = format!("label `{twice}` is twice in state {number}");
            return Err(fault(FaultKind::LabelTwice, text));
        }
        Ok(())
    }

    fn check_parallel(&self, number: StateId, branches: &[StateId]) -> Result<(), Fault> {
        let over = |branch: &StateId| *self.state(*branch) == State::End;
        if branches.is_empty() || branches.iter().any(over) {
            let text = format!("of what is done at once in state {number}, one does nothing");
            return Err(fault(FaultKind::Unguarded, text));
        }
        Ok(())
    }

    /// Each of several things that are done at once has states of its own.
    fn check_regions(&self) -> Result<(), Fault> {
        let mut regions = vec![(Self::START, 0)];
        let mut region_of = vec![None; self.states.len()];
        let mut region = 0;
        while let Some((start, depth)) = regions.get(region).copied() {
            let mut open = vec![start];
            while let Some(number) = open.pop() {
                match region_of[number].replace(region) {
                    Some(known) if known == region => continue,
                    Some(_) => {
                        let text = format!("state {number} is in two things that are done at once");
                        return Err(fault(FaultKind::SharedState, text));
                    }
                    None => {}
                }
                match self.state(number) {
                    State::Parallel { branches, next } => {
                        if depth >= MOST_DEPTH {
                            let text = format!(
                                "state {number} is more than {MOST_DEPTH} levels deep in things that are done at once"
                            );
                            return Err(fault(FaultKind::TooLarge, text));
                        }
                        regions.extend(branches.iter().map(|branch| (*branch, depth + 1)));
                        open.push(*next);
                    }
                    state => open.extend(state.next()),
                }
            }
            region += 1;
        }
        Ok(())
    }
}

/// One that is there twice.
fn twice<'a>(names: impl IntoIterator<Item = &'a String>) -> Option<&'a String> {
    let mut seen = HashSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

fn fault(kind: FaultKind, text: String) -> Fault {
    Fault {
        kind,
        place: Vec::new(),
        other: None,
        text,
    }
}

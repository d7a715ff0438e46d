use crate::nested::RunNested;
use crate::{Effect, Error, Label, Program, RoleId};

/// Where a run is in its program: the way through its loops and branches to the next step.
pub(crate) struct Steps<'a, R, M> {
    lists: Vec<List<'a, R, M>>,
    /// Rounds since the last breath.
    rounds: usize,
}

/// A list of steps that is being run.
struct List<'a, R, M> {
    program: &'a Program<R, M>,
    /// How many of its steps have begun.
    begun: usize,
    part: Part<'a>,
}

/// What the list is a part of.
enum Part<'a> {
    Whole,
    Branch(&'a Label),
    Loop { times: Option<usize>, round: usize },
}

impl<'a, R: RoleId, M> Steps<'a, R, M> {
    /// Before the first step.
    pub(crate) fn new(program: &'a Program<R, M>) -> Self {
        let mut steps = Self {
            lists: Vec::new(),
            rounds: 0,
        };
        steps.enter(program, Part::Whole);
        steps
    }

    /// Begins the next step.
    pub(crate) fn next(&mut self) -> Option<&'a Effect<R, M>> {
        loop {
            let list = self.lists.last_mut()?;
            if let Some(effect) = list.program.effects.get(list.begun) {
                list.begun += 1;
                return Some(effect);
            }
            match &mut list.part {
                Part::Loop { times, round } if times.is_none_or(|times| *round < times) => {
                    *round += 1;
                    list.begun = 0;
                    self.rounds += 1;
                }
                _ => {
                    self.lists.pop();
                }
            }
        }
    }

    /// How the step that was begun last runs, if it holds other programs.
    pub(crate) fn run_nested(&self) -> Option<RunNested<R, M>> {
        self.lists.last()?.program.run_nested
    }

    /// Goes on with an alternative.
    pub(crate) fn enter_branch(&mut self, (label, body): &'a (Label, Program<R, M>)) {
        self.enter(body, Part::Branch(label));
    }

    /// Goes on with the rounds of a loop.
    pub(crate) fn enter_loop(&mut self, times: Option<usize>, body: &'a Program<R, M>) {
        let times = if body.is_empty() { Some(0) } else { times };
        self.enter(body, Part::Loop { times, round: 0 });
        // At its end, from where the first round begins like each other.
        if let Some(list) = self.lists.last_mut() {
            list.begun = body.len();
        }
    }

    fn enter(&mut self, program: &'a Program<R, M>, part: Part<'a>) {
        self.lists.push(List {
            program,
            begun: 0,
            part,
        });
    }

    /// Goes on behind the innermost loop; false if there is none.
    pub(crate) fn exit_loop(&mut self) -> bool {
        while let Some(list) = self.lists.pop() {
            if let Part::Loop { .. } = list.part {
                return true;
            }
        }
        false
    }

    /// Whether other tasks should get a turn, should no step have waited.
    pub(crate) fn want_breath(&mut self) -> bool {
        /// Rounds between two breaths.
        const BREATH: usize = 64;
        let want = self.rounds >= BREATH;
        if want {
            self.rounds = 0;
        }
        want
    }

    /// The error of the step that was begun last, with its place.
    #[cold]
    pub(crate) fn locate(&self, mut error: Error) -> Error {
        for list in self.lists.iter().rev() {
            if let Some(effect) = list.program.effects.get(list.begun.wrapping_sub(1)) {
                error = error.at_place(&format_args!("step {} ({effect})", list.begun));
            }
            error = match list.part {
                Part::Whole => error,
                Part::Branch(label) => error.at_place(&format_args!("branch `{label}`")),
                Part::Loop { round, .. } => error.at_place(&format_args!("round {round}")),
            };
        }
        error
    }
}

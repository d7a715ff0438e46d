//! Whatever protocol is accepted: playing all its parts never gets stuck, nobody ever receives
//! another kind than is due, and all that is sent is received.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::{HashMap, VecDeque};

use choreo_protocol::{Branch, Global, Local, Message, State, StateId, Step};
use proptest::prelude::*;

const ROLES: [&str; 4] = ["A", "B", "C", "D"];
const MESSAGES: [&str; 3] = ["One", "Two", "Three"];

/// A choice of a list.
fn of<T: Clone + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

fn pair() -> impl Strategy<Value = (&'static str, &'static str)> {
    (of(&ROLES), of(&ROLES)).prop_filter("to another role", |(from, to)| from != to)
}

fn message() -> impl Strategy<Value = Step> {
    (pair(), of(&MESSAGES)).prop_map(|((from, to), message)| Step::message(from, to, message))
}

/// Who is told of a choice: mostly all.
fn told(at: &'static str, mask: u8) -> Vec<&'static str> {
    let others = ROLES.iter().filter(|role| **role != at);
    let told = others
        .enumerate()
        .filter(|(number, _)| mask & (1 << number) != 0);
    told.map(|(_, role)| *role).collect()
}

fn choice(branches: impl Strategy<Value = Vec<Vec<Step>>>) -> impl Strategy<Value = Step> {
    let mask = prop_oneof![3 => Just(7_u8), 2 => 1..7_u8];
    (of(&ROLES), mask, branches).prop_map(|(at, mask, branches)| {
        let branches = branches.into_iter().enumerate();
        let branches = branches.map(|(number, steps)| Branch::new(format!("way{number}"), steps));
        Step::choice(at, told(at, mask), branches)
    })
}

/// A loop that is left by a choice; its name tells its depth.
fn again(depth: usize, steps: impl Strategy<Value = Vec<Step>>) -> impl Strategy<Value = Step> {
    let mask = prop_oneof![3 => Just(7_u8), 2 => 1..7_u8];
    (of(&ROLES), mask, steps, any::<bool>()).prop_map(move |(at, mask, steps, first)| {
        let name = format!("loop{depth}");
        let leaves = Branch::new("leave", [Step::Break(name.clone())]);
        let choice = |steps: Vec<Step>| {
            Step::choice(
                at,
                told(at, mask),
                [Branch::new("again", steps), leaves.clone()],
            )
        };
        let body = match first {
            true => vec![choice(steps)],
            false => steps.into_iter().chain([choice(Vec::new())]).collect(),
        };
        Step::again(name, body)
    })
}

fn steps(depth: usize) -> BoxedStrategy<Vec<Step>> {
    if depth == 0 {
        return proptest::collection::vec(message(), 0..3).boxed();
    }
    let inner = || steps(depth - 1);
    let step = prop_oneof![
        4 => message(),
        3 => choice(proptest::collection::vec(inner(), 1..3)),
        2 => again(depth, inner()),
        1 => proptest::collection::vec(inner(), 2..3).prop_map(Step::Parallel),
    ];
    proptest::collection::vec(step, 0..4).boxed()
}

fn protocol() -> impl Strategy<Value = Global> {
    (steps(3), any::<bool>()).prop_map(|(steps, _)| {
        let mut global = Global::new("Random");
        for role in ROLES {
            // A role that takes part in nothing is refused.
            let text = format!("{steps:?}");
            if text.contains(&format!("\"{role}\"")) {
                global = global.role(role);
            }
        }
        Global { steps, ..global }
    })
}

/// What travels.
#[derive(Clone, Debug, PartialEq)]
enum Sent {
    Message(Message),
    Label(String),
}

/// Where a role is.
#[derive(Clone, Debug)]
enum At {
    State(StateId),
    Parallel(Vec<At>, StateId),
}

type Queues = HashMap<(String, String), VecDeque<Sent>>;

struct Run<'a> {
    locals: &'a [Local],
    queues: Queues,
    random: fastrand::Rng,
}

impl Run<'_> {
    /// What the role could do next, as paths through what it does at once.
    fn enabled(&self, local: &Local, at: &At, path: &[usize], found: &mut Vec<Vec<usize>>) {
        match at {
            At::Parallel(branches, _) => {
                for (number, branch) in branches.iter().enumerate() {
                    let path = [path, &[number]].concat();
                    self.enabled(local, branch, &path, found);
                }
            }
            At::State(state) => {
                let enabled = match local.state(*state) {
                    State::End => false,
                    State::Recv { from, .. } | State::Offer { from, .. } => {
                        let queue = self.queues.get(&(from.clone(), local.role.clone()));
                        queue.is_some_and(|queue| !queue.is_empty())
                    }
                    _ => true,
                };
                if enabled {
                    found.push(path.to_vec());
                }
            }
        }
    }

    /// Does it.
    fn step(&mut self, local: &Local, at: &mut At, path: &[usize]) {
        let state = match at {
            At::Parallel(branches, next) => {
                let next = *next;
                self.step(local, &mut branches[path[0]], &path[1..]);
                if branches.iter().all(|branch| is_over(local, branch)) {
                    *at = At::State(next);
                }
                return;
            }
            At::State(state) => *state,
        };
        let me = &local.role;
        let next = match local.state(state) {
            State::Send { to, message, next } => {
                self.send(me, to, Sent::Message(message.clone()));
                *next
            }
            State::Choose { to, branches } => {
                // The last ones leave loops.
                let pick = self
                    .random
                    .usize(0..branches.len() * 2)
                    .min(branches.len() - 1);
                let (label, next) = &branches[pick];
                for to in to {
                    self.send(me, to, Sent::Label(label.clone()));
                }
                *next
            }
            State::Recv {
                from,
                message,
                next,
            } => {
                let received = self.receive(from, me);
                assert_eq!(received, Sent::Message(message.clone()), "{me} from {from}");
                *next
            }
            State::Offer { from, branches } => {
                let received = self.receive(from, me);
                let branch = branches
                    .iter()
                    .find(|(label, _)| received == Sent::Label(label.clone()));
                branch
                    .unwrap_or_else(|| {
                        panic!("{me} received {received:?} from {from}, due: {branches:?}")
                    })
                    .1
            }
            State::Parallel { branches, next } => {
                let branches: Vec<_> = branches.iter().map(|branch| At::State(*branch)).collect();
                *at = match branches.iter().all(|branch| is_over(local, branch)) {
                    true => At::State(*next),
                    false => At::Parallel(branches, *next),
                };
                return;
            }
            State::End => unreachable!("it is not enabled"),
        };
        *at = At::State(next);
    }

    fn send(&mut self, from: &str, to: &str, sent: Sent) {
        let channel = (from.to_owned(), to.to_owned());
        self.queues.entry(channel).or_default().push_back(sent);
    }

    fn receive(&mut self, from: &str, to: &str) -> Sent {
        let queue = self.queues.get_mut(&(from.to_owned(), to.to_owned()));
        queue.and_then(VecDeque::pop_front).expect("it is enabled")
    }
}

fn is_over(local: &Local, at: &At) -> bool {
    matches!(at, At::State(state) if *local.state(*state) == State::End)
}

/// Plays all parts in one order of many; false if it went on for too long.
fn play(locals: &[Local], seed: u64) -> bool {
    let mut run = Run {
        locals,
        queues: Queues::new(),
        random: fastrand::Rng::with_seed(seed),
    };
    let mut at: Vec<At> = locals.iter().map(|_| At::State(Local::START)).collect();
    for _ in 0..2_000 {
        let mut enabled = Vec::new();
        for (number, local) in run.locals.iter().enumerate() {
            let mut found = Vec::new();
            run.enabled(local, &at[number], &[], &mut found);
            enabled.extend(found.into_iter().map(|path| (number, path)));
        }
        if enabled.is_empty() {
            let stuck: Vec<_> = locals
                .iter()
                .zip(&at)
                .filter(|(local, at)| !is_over(local, at))
                .map(|(local, at)| (&local.role, at))
                .collect();
            assert!(stuck.is_empty(), "stuck: {stuck:?}");
            let left: Vec<_> = run
                .queues
                .iter()
                .filter(|(_, queue)| !queue.is_empty())
                .collect();
            assert!(left.is_empty(), "never received: {left:?}");
            return true;
        }
        let (number, path) = enabled[run.random.usize(0..enabled.len())].clone();
        let mut role = at[number].clone();
        run.step(&locals[number], &mut role, &path);
        at[number] = role;
    }
    false
}

/// The part with two steps in the other order, where one simply follows the other.
fn swapped(local: &Local, first: StateId) -> Option<Local> {
    let (State::Send { next, .. } | State::Recv { next, .. }) = *local.state(first) else {
        return None;
    };
    let (State::Send { next: after, .. } | State::Recv { next: after, .. }) = *local.state(next)
    else {
        return None;
    };
    let ways = local.states.iter().flat_map(State::next);
    if ways.filter(|way| *way == next).count() != 1 || next == first {
        return None;
    }
    let mut swapped = local.clone();
    swapped.states.swap(first, next);
    for (state, to) in [(first, next), (next, after)] {
        if let State::Send { next, .. } | State::Recv { next, .. } = &mut swapped.states[state] {
            *next = to;
        }
    }
    Some(swapped)
}

#[test]
fn reordered_parts_that_are_accepted_are_played_to_their_end() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 10_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let counts = std::cell::Cell::new((0, 0));
    let result = runner.run(&(protocol(), any::<u64>()), |(global, seed)| {
        let Ok(locals) = global.locals() else {
            return Ok(());
        };
        for (number, local) in locals.iter().enumerate() {
            for first in 0..local.states.len() {
                let Some(other) = swapped(local, first) else {
                    continue;
                };
                let (accepted, refused) = counts.get();
                if let Err(differs) = other.refines(local) {
                    assert_ne!(&other, local, "{differs}");
                    counts.set((accepted, refused + 1));
                    continue;
                }
                counts.set((accepted + 1, refused));
                let mut locals = locals.clone();
                locals[number] = other;
                for seed in seed..seed.saturating_add(5) {
                    if std::panic::catch_unwind(|| play(&locals, seed)).is_err() {
                        let parts: Vec<_> = locals.iter().map(ToString::to_string).collect();
                        let parts = parts.join("\n");
                        return Err(TestCaseError::fail(format!("{global}\n{parts}")));
                    }
                }
            }
        }
        Ok(())
    });
    println!("{:?} accepted and refused", counts.get());
    if let Err(error) = result {
        panic!("{error}");
    }
    let (accepted, refused) = counts.get();
    assert!(accepted > 1_000 && refused > 1_000, "{accepted}, {refused}");
}

#[test]
fn families_are_accepted_with_any_number_of_members() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 10_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let accepted = std::cell::Cell::new(0);
    let result = runner.run(
        &(protocol(), 1..4_usize, any::<u64>()),
        |(mut global, members, seed)| {
            let family = global.roles.iter_mut().find(|role| role.name == "D");
            let Some(family) = family else {
                return Ok(());
            };
            family.count = Some("n".to_owned());
            let Ok(part) = global.project("D") else {
                return Ok(());
            };
            if global.check().is_err() {
                return Ok(());
            }
            accepted.set(accepted.get() + 1);
            let locals = global.with_count("n", members).locals();
            let locals =
                locals.map_err(|fault| TestCaseError::fail(format!("{fault}\n{global}")))?;
            for member in 0..members {
                let member = format!("D({member})");
                let own = locals.iter().find(|local| local.role == member);
                let own = own.expect("it takes part");
                prop_assert_eq!(own.to_string().replace(&member, "D"), part.to_string());
            }
            for seed in seed..seed.saturating_add(5) {
                if std::panic::catch_unwind(|| play(&locals, seed)).is_err() {
                    return Err(TestCaseError::fail(format!("{members} members\n{global}")));
                }
            }
            Ok(())
        },
    );
    println!("{} accepted", accepted.get());
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(accepted.get() > 500, "{} accepted", accepted.get());
}

#[test]
fn accepted_protocols_are_played_to_their_end() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 20_000,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..ProptestConfig::default()
    });
    let (accepted, with_choice, ended) = (
        std::cell::Cell::new(0),
        std::cell::Cell::new(0),
        std::cell::Cell::new(0),
    );
    let result = runner.run(&(protocol(), any::<u64>()), |(global, seed)| {
        let Ok(locals) = global.locals() else {
            return Ok(());
        };
        accepted.set(accepted.get() + 1);
        if global.to_string().contains("choice") {
            with_choice.set(with_choice.get() + 1);
        }
        for seed in seed..seed.saturating_add(10) {
            let played = std::panic::catch_unwind(|| play(&locals, seed));
            match played {
                Ok(true) => ended.set(ended.get() + 1),
                Ok(false) => {}
                Err(panic) => {
                    let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                    let parts: Vec<_> = locals.iter().map(ToString::to_string).collect();
                    return Err(TestCaseError::fail(format!(
                        "{why}\n{global}\n{}",
                        parts.join("\n")
                    )));
                }
            }
        }
        Ok(())
    });
    println!(
        "{} accepted, {} with a choice, {} runs ended",
        accepted.get(),
        with_choice.get(),
        ended.get()
    );
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(
        with_choice.get() > 500,
        "{} had a choice",
        with_choice.get()
    );
    assert!(
        ended.get() > 5_000,
        "{} runs came to their end",
        ended.get()
    );
}

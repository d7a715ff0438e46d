//! Large protocols, for tests and benchmarks.

use choreo_protocol::{Branch, Global, Message, Step};

/// A protocol of so many roles, five of which at a time do something: they go round as long as one of
/// them wants, do two things at once, and pass something on to the next five.
pub(crate) fn large(roles: usize, interactions: usize) -> Global {
    assert!(roles >= 10, "five, and the five who follow");
    let role = |number: usize| format!("R{}", number % roles);
    let mut global = Global::new("Large");
    for number in 0..roles {
        global = global.role(role(number));
    }
    for block in 0..interactions / 10 {
        let five: Vec<_> = (0..6).map(|number| role(block * 5 + number)).collect();
        let message = |from: usize, to: usize, name: &str| {
            Step::message(&five[from], &five[to], Message::new(name).carrying("u64"))
        };
        let name = format!("block{block}");
        let more = [
            message(0, 1, "Ask"),
            message(1, 2, "Ask"),
            message(2, 3, "Ask"),
            message(3, 4, "Ask"),
            message(4, 0, "Answer"),
        ];
        let branches = [
            Branch::new("more", more),
            Branch::new("enough", [Step::Break(name.clone())]),
        ];
        let told = &five[1..5];
        let choice = Step::choice(&five[0], told, branches);
        let at_once = [message(0, 1, "One"), message(2, 3, "Two")];
        let at_once = at_once.map(|step| vec![step]).to_vec();
        global = global
            .then(Step::again(name, [choice]))
            .then(Step::Parallel(at_once))
            .then(message(3, 4, "Sum"))
            .then(message(4, 5, "Next"));
    }
    global
}

/// How many messages and choices there are.
pub(crate) fn interactions(steps: &[Step]) -> usize {
    let one = |step: &Step| match step {
        Step::Message { .. } => 1,
        Step::Choice { branches, .. } => {
            let branches = branches.iter().map(|branch| interactions(&branch.steps));
            1 + branches.sum::<usize>()
        }
        Step::Loop { steps, .. } => interactions(steps),
        Step::Parallel(branches) => branches.iter().map(|steps| interactions(steps)).sum(),
        Step::Call { protocol, .. } => interactions(&protocol.steps),
        Step::Break(_) | Step::Continue(_) => 0,
    };
    steps.iter().map(one).sum()
}

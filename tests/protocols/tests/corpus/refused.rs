//! Protocols that other tools have taken, and that get stuck or go wrong when they are played.

use choreo::protocol::{Branch, FaultKind, Global, Step};

fn protocol(roles: &[&str], steps: impl IntoIterator<Item = Step>) -> Global {
    let global = Global::new("Wrong");
    let global = roles.iter().fold(global, |global, role| global.role(*role));
    steps.into_iter().fold(global, Global::then)
}

#[track_caller]
fn refused(global: &Global, kind: FaultKind, part_of_the_text: &str) {
    let fault = global.check().expect_err("it is refused");
    assert_eq!(fault.kind, kind, "{fault}");
    assert!(fault.text.contains(part_of_the_text), "{fault}");
}

/// The third role gets a message from one of two, and cannot know from whom.
#[test]
fn a_choice_that_is_ambiguous_to_another() {
    let global = protocol(
        &["A", "B", "C"],
        [Step::choice(
            "A",
            ["B"],
            [
                Branch::new("left", [Step::message("A", "C", "Left")]),
                Branch::new("right", [Step::message("B", "C", "Right")]),
            ],
        )],
    );
    let text = "`C` cannot know whether to receive Left from `A` or to receive Right from `B`";
    refused(&global, FaultKind::Untold, text);
}

/// The same first message in both branches tells nothing: what comes after differs.
#[test]
fn branches_that_differ_only_later() {
    let global = protocol(
        &["A", "B", "C"],
        [Step::choice(
            "A",
            ["B"],
            [
                Branch::new(
                    "left",
                    [
                        Step::message("B", "C", "Same"),
                        Step::message("C", "A", "Left"),
                    ],
                ),
                Branch::new(
                    "right",
                    [
                        Step::message("B", "C", "Same"),
                        Step::message("C", "A", "Right"),
                    ],
                ),
            ],
        )],
    );
    let text = "`C` cannot know whether to send Left to `A` or to send Right to `A`";
    refused(&global, FaultKind::Untold, text);
}

/// Two choices of the same role that is told of both, with the same label in both: it goes on as one
/// label, and differs later.
#[test]
fn labels_that_are_the_same_in_both_branches() {
    let inner = |message| {
        let then = Branch::new("go", [Step::message("C", "A", message)]);
        Step::choice("B", ["C"], [then])
    };
    let global = protocol(
        &["A", "B", "C"],
        [Step::choice(
            "A",
            ["B"],
            [
                Branch::new("left", [inner("Left")]),
                Branch::new("right", [inner("Right")]),
            ],
        )],
    );
    refused(
        &global,
        FaultKind::Untold,
        "`C` cannot know whether to send Left",
    );
}

/// The loop is left, and a role that is served in it waits for ever.
#[test]
fn the_end_of_a_loop_is_not_told_to_all() {
    let global = protocol(
        &["A", "B", "C"],
        [Step::again(
            "again",
            [Step::choice(
                "A",
                ["B"],
                [
                    Branch::new("more", [Step::message("B", "C", "More")]),
                    Branch::new("stop", [Step::Break("again".into())]),
                ],
            )],
        )],
    );
    refused(&global, FaultKind::EndUntold, "`C` cannot know whether to");
}

/// A role that only takes part before the loop goes on cannot know how often it does.
#[test]
fn a_role_after_a_loop_of_others() {
    let global = protocol(
        &["A", "B", "C"],
        [
            Step::again(
                "again",
                [Step::choice(
                    "A",
                    ["B"],
                    [
                        Branch::new("more", [Step::message("C", "B", "Tick")]),
                        Branch::new("stop", [Step::Break("again".into())]),
                    ],
                )],
            ),
            Step::message("C", "A", "Done"),
        ],
    );
    refused(&global, FaultKind::Untold, "`C` cannot know whether to");
}

/// What one branch sends at once could be taken for what the other sends.
#[test]
fn branches_at_once_over_one_channel() {
    let global = protocol(
        &["A", "B"],
        [Step::Parallel(vec![
            vec![Step::message("A", "B", "One")],
            vec![Step::message("A", "B", "Other")],
        ])],
    );
    refused(
        &global,
        FaultKind::SharedChannel,
        "put them one after the other",
    );
}

/// A role that is served in one branch of a choice only, and was never told of it.
#[test]
fn a_role_of_one_branch_only() {
    let global = protocol(
        &["A", "B", "C"],
        [Step::choice(
            "A",
            ["B"],
            [
                Branch::new("with", [Step::message("B", "C", "Work")]),
                Branch::new("without", []),
            ],
        )],
    );
    let text = "`C` cannot know whether to stop or to receive Work from `B`";
    refused(&global, FaultKind::EndUntold, text);
}

/// Nothing happens, for ever.
#[test]
fn a_loop_without_a_step() {
    let nothing = Step::again("again", [Step::Continue("again".into())]);
    let global = protocol(&["A", "B"], [Step::message("A", "B", "Hello"), nothing]);
    refused(
        &global,
        FaultKind::Unguarded,
        "without anything having happened",
    );
}

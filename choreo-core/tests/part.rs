//! Programs that are written by hand, beside their part in a protocol.
#![cfg(feature = "protocol")]

use choreo_core::{ErrorKind, Program};
use choreo_protocol::{Branch, Global, Step};

type Part = Program<&'static str, u32>;

fn adder() -> Global {
    let add = [
        Step::message("Client", "Server", "Operand"),
        Step::message("Client", "Server", "Operand"),
        Step::message("Server", "Client", "Sum"),
    ];
    let branches = [
        Branch::new("add", add),
        Branch::new("bye", [Step::Break("again".into())]),
    ];
    Global::new("Adder")
        .role("Client")
        .role("Server")
        .then(Step::again(
            "again",
            [Step::choice("Client", ["Server"], branches)],
        ))
}

#[test]
fn loops_and_branches_are_those_of_the_protocol() {
    let due = adder().project("Server").unwrap();
    let add = || {
        Part::new()
            .recv::<u32>("Client")
            .recv::<u32>("Client")
            .send("Client", 3)
    };
    let server = |add: Part| {
        Part::new().loop_inf(
            Part::new().branch("Client", [("add", add), ("bye", Part::new().exit_loop())]),
        )
    };
    server(add())
        .part(&"Server")
        .unwrap()
        .refines(&due)
        .unwrap();
    let hasty = server(
        Part::new()
            .recv::<u32>("Client")
            .send("Client", 3)
            .recv::<u32>("Client"),
    );
    // It says the sum before it has heard all: whoever waits gets it earlier.
    hasty.part(&"Server").unwrap().refines(&due).unwrap();
    let short = server(Part::new().recv::<u32>("Client").send("Client", 3));
    assert!(short.part(&"Server").unwrap().refines(&due).is_err());
    let deaf = Part::new().loop_inf(Part::new().branch("Client", [("add", add())]));
    let differs = deaf.part(&"Server").unwrap().refines(&due).unwrap_err();
    assert_eq!(
        differs.why,
        "Client may decide for bye, which is not expected"
    );
}

#[test]
fn a_fixed_number_of_rounds_is_one_way_to_play_a_loop() {
    let due = adder().project("Client").unwrap();
    let round = Part::new()
        .choose("Server", "add")
        .send("Server", 1)
        .send("Server", 2)
        .recv::<u32>("Server");
    let client = Part::new()
        .loop_n(3, round.clone())
        .choose("Server", "bye")
        .end();
    client.part(&"Client").unwrap().refines(&due).unwrap();
    let forgets = Part::new().loop_n(3, round).end();
    let differs = forgets.part(&"Client").unwrap().refines(&due).unwrap_err();
    assert_eq!(differs.why, "this part is over, and something is due");
}

#[test]
fn reordered_programs_stand_for_their_part_where_nobody_can_tell() {
    let global = Global::new("Buffer")
        .role("Source")
        .role("Kernel")
        .role("Sink")
        .then(Step::again(
            "again",
            [
                Step::message("Kernel", "Source", "Ready"),
                Step::message("Source", "Kernel", "Value"),
                Step::message("Sink", "Kernel", "Ready"),
                Step::message("Kernel", "Sink", "Value"),
            ],
        ));
    let due = global.project("Kernel").unwrap();
    let copy = || {
        Part::new()
            .recv::<u32>("Source")
            .recv::<u32>("Sink")
            .send("Sink", 1)
    };
    let plain = Part::new().loop_inf(Part::new().send("Source", 0).then(copy()));
    plain.part(&"Kernel").unwrap().refines(&due).unwrap();
    // Two buffers: it is ready for the next value before it has passed on the last one.
    let ahead = Part::new()
        .send("Source", 0)
        .loop_inf(Part::new().send("Source", 0).then(copy()));
    ahead.part(&"Kernel").unwrap().refines(&due).unwrap();

    let greedy = Part::new().loop_inf(copy().send("Source", 0));
    let differs = greedy.part(&"Kernel").unwrap().refines(&due).unwrap_err();
    assert_eq!(
        differs.to_string(),
        "receive _ from Source must not come before send Ready to Source; \
         this part: receive _ from Source; due: send Ready to Source"
    );
    let late = Part::new()
        .send("Source", 0)
        .recv::<u32>("Source")
        .send("Sink", 1)
        .recv::<u32>("Sink")
        .recv::<u32>("Sink");
    let differs = late.part(&"Kernel").unwrap().refines(&due).unwrap_err();
    assert_eq!(
        differs.own,
        [
            "send _ to Source",
            "receive _ from Source",
            "send _ to Sink",
            "receive _ from Sink",
            "receive _ from Sink"
        ]
    );
    assert_eq!(
        differs.due,
        [
            "send _ to Source",
            "receive _ from Source",
            "send _ to Sink",
            "receive _ from Sink",
            "send Ready to Source"
        ]
    );
}

#[test]
fn several_are_told_of_one_choice() {
    let global = Global::new("Vote")
        .role("Chair")
        .role("One")
        .role("Other")
        .then(Step::choice(
            "Chair",
            ["One", "Other"],
            [Branch::new("yes", []), Branch::new("no", [])],
        ));
    let due = global.project("Chair").unwrap();
    let chair = Part::new().choose("Other", "yes").choose("One", "yes");
    chair.part(&"Chair").unwrap().refines(&due).unwrap();
    let half = Part::new().choose("One", "yes");
    assert!(half.part(&"Chair").unwrap().refines(&due).is_err());
}

#[test]
fn what_cannot_be_told_of_is_refused_by_its_step() {
    for program in [
        Part::new().send("A", 1).offer("A"),
        Part::new().send("A", 1).extension("log", ()),
    ] {
        let error = program.part(&"B").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Program);
        assert!(error.to_string().contains("step 2"), "{error}");
    }
}

#[test]
fn rounds_in_which_nothing_happens_are_none() {
    let nothing = Part::new().loop_n(usize::MAX, Part::new().loop_n(2, Part::new()));
    let over = nothing.part(&"B").unwrap();
    assert_eq!(over.to_string(), "B {\n}");
    let many = Part::new().loop_n(usize::MAX, Part::new().send("A", 1));
    let error = many.part(&"B").unwrap_err();
    assert!(error.to_string().contains("too many steps"), "{error}");
}

#[test]
fn what_is_done_at_once_is_due_at_once() {
    let global = Global::new("Ask")
        .role("A")
        .role("B")
        .role("C")
        .then(Step::Parallel(vec![
            vec![
                Step::message("A", "B", "One"),
                Step::message("B", "A", "Two"),
            ],
            vec![Step::message("C", "A", "Three")],
        ]))
        .then(Step::message("A", "C", "Four"));
    let due = global.project("A").unwrap();
    let ask = || Part::new().send("B", 1).recv::<u32>("B");
    let wait = || Part::new().recv::<u32>("C");
    let both = [ask(), Part::new(), wait()];
    let program = Part::new().parallel(both).send("C", 4).end();
    let part = program.part(&"A").unwrap();
    part.check().unwrap();
    part.refines(&due).unwrap();

    let [due_b, due_c] = ["B", "C"].map(|role| global.project(role).unwrap());
    let alone = Part::new().parallel([Part::new(), Part::new().recv::<u32>("A").send("A", 2)]);
    alone.part(&"B").unwrap().refines(&due_b).unwrap();
    let nothing = Part::new()
        .parallel([Part::new()])
        .send("A", 3)
        .recv::<u32>("A");
    nothing.part(&"C").unwrap().refines(&due_c).unwrap();

    let one_by_one = wait().then(ask()).send("C", 4);
    let differs = one_by_one.part(&"A").unwrap().refines(&due).unwrap_err();
    assert_eq!(differs.due, ["do things at once"]);
}

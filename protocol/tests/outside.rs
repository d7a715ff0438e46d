//! Protocols and parts that come from outside: as they were, or refused, whatever they say.
#![cfg(all(feature = "serde", not(target_arch = "wasm32")))]

use choreo_protocol::{Branch, FaultKind, Global, Local, Message, State, Step};

/// One of each kind of step.
fn everything() -> Global {
    let greeting = Global::new("Greeting")
        .role("Host")
        .role("Guest")
        .then(Step::message("Host", "Guest", "Hello"));
    let order = Message::new("Order").carrying("Book").carrying("Vec<u8>");
    let branches = [
        Branch::new("more", [Step::message("A", "B", order)]),
        Branch::new("skip", [Step::Continue("again".into())]),
        Branch::new("enough", [Step::Break("again".into())]),
    ];
    let mut global = Global::new("Everything")
        .role("A")
        .role("B")
        .role("C")
        .then(Step::Call {
            protocol: Box::new(greeting),
            roles: vec!["C".into(), "A".into()],
        })
        .then(Step::again(
            "again",
            [Step::choice("A", ["B", "C"], branches)],
        ))
        .then(Step::Parallel(vec![
            vec![Step::message("A", "B", "One")],
            vec![Step::message("B", "A", "Two")],
        ]));
    global.doc = "All that there is.".into();
    global.roles[0].doc = "The first.".into();
    global
}

#[test]
fn they_come_back_as_they_were() {
    let global = everything();
    let json = serde_json::to_string(&global).unwrap();
    assert_eq!(serde_json::from_str::<Global>(&json).unwrap(), global);
    let bytes = postcard::to_allocvec(&global).unwrap();
    let back: Global = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(back, global);
    assert_eq!(back.fingerprint(), global.fingerprint());

    let parts = global.locals().unwrap();
    assert_eq!(parts.len(), 3);
    for part in parts {
        let json = serde_json::to_string(&part).unwrap();
        assert_eq!(serde_json::from_str::<Local>(&json).unwrap(), part);
        let bytes = postcard::to_allocvec(&part).unwrap();
        assert_eq!(postcard::from_bytes::<Local>(&bytes).unwrap(), part);
    }
}

#[test]
fn json_may_leave_out_what_is_empty() {
    let json = r#"{
        "name": "PingPong",
        "roles": [{"name": "Alice"}, {"name": "Bob"}],
        "steps": [
            {"message": {"from": "Alice", "to": "Bob", "message": {"name": "Ping"}}},
            {"choice": {"at": "Bob", "to": ["Alice"], "branches": [{"label": "over"}]}}
        ]
    }"#;
    let global: Global = serde_json::from_str(json).unwrap();
    let over = Step::choice("Bob", ["Alice"], [Branch::new("over", [])]);
    let expected = Global::new("PingPong")
        .role("Alice")
        .role("Bob")
        .then(Step::message("Alice", "Bob", "Ping"))
        .then(over);
    assert_eq!(global, expected);
}

/// A loop in a loop in a loop.
fn nested(depth: usize) -> Vec<Step> {
    let message = vec![Step::message("A", "B", "Deep")];
    (0..depth).fold(message, |steps, number| {
        vec![Step::again(format!("loop{number}"), steps)]
    })
}

#[test]
fn what_nests_too_deep_is_refused_before_the_stack_is_gone() {
    let global = |depth| Global {
        steps: nested(depth),
        ..Global::new("Deep").role("A").role("B")
    };
    let bytes = postcard::to_allocvec(&global(32)).unwrap();
    let back: Global = postcard::from_bytes(&bytes).unwrap();
    back.check().unwrap();
    let bytes = postcard::to_allocvec(&global(33)).unwrap();
    postcard::from_bytes::<Global>(&bytes).unwrap_err();
    // What was too deep does not count for others.
    let bytes = postcard::to_allocvec(&global(32)).unwrap();
    postcard::from_bytes::<Global>(&bytes).unwrap();

    // A loop of one step, in which is a loop of one step, and so on.
    let deep = [
        &[4, b'D', b'e', b'e', b'p', 0, 0, 1][..],
        &[2, 0, 1].repeat(1_000_000),
    ]
    .concat();
    postcard::from_bytes::<Global>(&deep).unwrap_err();
    let deep = r#"{"loop": {"name": "", "steps": ["#.repeat(100_000);
    let json = format!(r#"{{"name": "Deep", "roles": [], "steps": [{deep}"#);
    serde_json::from_str::<Global>(&json).unwrap_err();
    let calls = r#"{"call": {"roles": [], "protocol": {"name": "", "roles": [], "steps": ["#;
    let json = format!(
        r#"{{"name": "", "roles": [], "steps": [{}"#,
        calls.repeat(33)
    );
    let error = serde_json::from_str::<Global>(&json).unwrap_err();
    assert!(error.is_syntax() || error.is_data(), "{error}");
}

#[test]
fn a_fault_of_a_protocol_names_the_step() {
    let json = serde_json::to_string(&everything()).unwrap();
    let wrong = json.replacen(r#""from":"A","to":"B""#, r#""from":"A","to":"Nobody""#, 1);
    let global: Global = serde_json::from_str(&wrong).unwrap();
    let fault = global.check().unwrap_err();
    assert_eq!(fault.kind, FaultKind::UnknownRole);
    assert_eq!(fault.place, [1, 0, 0, 0]);
    assert_eq!(
        fault.to_string(),
        "role `Nobody` is not declared; those that are: `A`, `B`, `C` (step 2.1.1.1)"
    );

    let wrong = json.replacen("parallel", "sideways", 1);
    let error = serde_json::from_str::<Global>(&wrong)
        .unwrap_err()
        .to_string();
    assert!(error.contains("unknown variant `sideways`"), "{error}");
}

#[test]
fn a_fault_of_a_part_names_the_state() {
    let part = |states: &str| {
        let json = format!(r#"{{"role": "A", "states": {states}}}"#);
        serde_json::from_str::<Local>(&json).map_err(|error| error.to_string())
    };
    let send = |next: usize| {
        format!(r#"{{"send": {{"to": "B", "message": {{"name": "M"}}, "next": {next}}}}}"#)
    };
    let at_once = |branches: &str, next: usize| {
        format!(r#"{{"parallel": {{"branches": {branches}, "next": {next}}}}}"#)
    };
    let [to_2, to_9, to_0] = [2, 9, 0].map(send);
    let wrong = [
        ("[]".to_owned(), "no states"),
        (
            format!("[{to_9}]"),
            "state 0 goes on at state 9, and there is none",
        ),
        (
            r#"["end", {"recv": {"from": "A", "message": {"name": "M"}, "next": 0}}]"#.to_owned(),
            "in state 1 `A` speaks with itself",
        ),
        (
            r#"[{"choose": {"to": ["B", "C", "B"], "branches": [["x", 0]]}}]"#.to_owned(),
            "in state 0 `B` is told twice",
        ),
        (
            r#"[{"offer": {"from": "B", "branches": [["x", 0], ["x", 0]]}}]"#.to_owned(),
            "label `x` is twice in state 0",
        ),
        (
            r#"[{"offer": {"from": "B", "branches": []}}]"#.to_owned(),
            "the choice in state 0 has no branch",
        ),
        (
            format!("[{}]", at_once("[0]", 0)),
            "state 0 is in two things",
        ),
        (
            format!("[{}]", at_once("[]", 0)),
            "of what is done at once in state 0",
        ),
        (
            format!(r#"[{}, {to_2}, "end"]"#, at_once("[1, 2]", 2)),
            "of what is done at once in state 0",
        ),
        (
            format!(r#"[{}, {}, "end", "end"]"#, at_once("[1, 1]", 2), send(3)),
            "state 1 is in two things",
        ),
        (
            format!(r#"[{}, {to_0}, "end"]"#, at_once("[1]", 2)),
            "state 0 is in two things",
        ),
    ];
    for (states, why) in wrong {
        let error = part(&states).expect_err(&states);
        assert!(error.contains(why), "{error}\nexpected: {why}");
    }
    // Rounds of things at once, and nothing but a loop, are parts.
    let end = r#""end""#;
    part(&format!("[{}, {}, {end}]", at_once("[1]", 0), send(2))).unwrap();
    part(&format!("[{to_0}]")).unwrap();
}

/// Things at once within things at once, each twice: as many as there are atoms, if they were begun.
#[test]
fn parts_that_would_explode_are_refused() {
    let mut states: Vec<_> = (0..64)
        .map(|number| State::Parallel {
            branches: vec![number + 1, number + 1],
            next: 65,
        })
        .collect();
    states.extend([
        State::Send {
            to: "B".into(),
            message: "M".into(),
            next: 65,
        },
        State::End,
    ]);
    let local = Local {
        role: "A".into(),
        states,
    };
    assert_eq!(local.check().unwrap_err().kind, FaultKind::SharedState);

    let mut states = Vec::new();
    for number in 0..1_000 {
        let next = 2 * number + 1;
        states.push(State::Parallel {
            branches: vec![next + 1],
            next,
        });
        states.push(State::End);
    }
    states.push(State::Send {
        to: "B".into(),
        message: "M".into(),
        next: 2_001,
    });
    states.push(State::End);
    let local = Local {
        role: "A".into(),
        states,
    };
    assert_eq!(local.check().unwrap_err().kind, FaultKind::TooLarge);
}

/// What one role hears does not tell it which of exponentially many things another has decided.
#[test]
fn protocols_of_which_no_machine_could_hold_the_parts_are_refused() {
    let bit = |name: &str| {
        let tell = |label: &str| Branch::new(label, []);
        let steps = [Step::choice("B", ["C"], [tell("zero"), tell("one")])];
        Branch::new(name, steps)
    };
    // (zero | one)* one (zero | one) .. (zero | one), of which C hears the bits.
    let free = || {
        Step::choice(
            "B",
            ["C"],
            [Branch::new("zero", []), Branch::new("one", [])],
        )
    };
    let marked = Step::choice("B", ["C"], [Branch::new("one", [])]);
    let again = Step::again(
        "bits",
        [Step::choice(
            "A",
            ["B"],
            [
                bit("more"),
                Branch::new("mark", [Step::Break("bits".into())]),
            ],
        )],
    );
    let mut steps = vec![again, marked];
    steps.extend((0..24).map(|_| free()));
    steps.push(Step::again("for ever", [free()]));
    let global = Global {
        steps,
        ..Global::new("Bits").role("A").role("B").role("C")
    };
    let fault = global.project("C").unwrap_err();
    assert_eq!(fault.kind, FaultKind::TooLarge, "{fault}");
}

#[test]
fn long_protocols_are_no_deep_recursion() {
    let names = ["A", "B"];
    let steps =
        (0..50_000).map(|number| Step::message(names[number % 2], names[(number + 1) % 2], "Turn"));
    let global = Global {
        steps: steps.collect(),
        ..Global::new("Long").role("A").role("B")
    };
    let part = global.project("A").unwrap();
    part.check().unwrap();
    assert_eq!(part.states.len(), 50_001);
    part.refines(&part).unwrap();
    assert_eq!(part.to_string().lines().count(), 50_002);

    let choices = (0..5_000).map(|_| {
        Step::choice(
            "A",
            ["B"],
            [
                Branch::new("x", [Step::message("A", "B", "X")]),
                Branch::new("y", []),
            ],
        )
    });
    let global = Global {
        steps: choices.collect(),
        ..global
    };
    let part = global.project("B").unwrap();
    part.check().unwrap();
    assert!(part.to_string().lines().count() > 10_000);
}

/// Bytes that anybody may send.
#[test]
fn nonsense_is_refused_or_taken_and_never_more() {
    let mut random = fastrand::Rng::with_seed(7);
    let global = postcard::to_allocvec(&everything()).unwrap();
    let parts = everything().locals().unwrap();
    let parts: Vec<_> = parts
        .iter()
        .map(|part| postcard::to_allocvec(part).unwrap())
        .collect();
    let (mut taken, mut refused) = (0, 0);
    for round in 0..20_000 {
        let mut bytes = match round % 4 {
            0 => global.clone(),
            number => parts[number - 1].clone(),
        };
        for _ in 0..random.usize(1..4) {
            let place = random.usize(0..bytes.len());
            bytes[place] = random.u8(..);
        }
        let is_taken = if round % 4 == 0 {
            postcard::from_bytes::<Global>(&bytes).is_ok_and(|global| {
                let _ = (global.locals(), global.to_string(), global.to_mermaid());
                true
            })
        } else {
            postcard::from_bytes::<Local>(&bytes).is_ok_and(|local| {
                let _ = (local.refines(&local), local.to_string(), local.to_mermaid());
                let mut position = choreo_protocol::Position::new(local);
                let _ = (
                    position.send("B", |_| true),
                    position.due(),
                    position.is_over(),
                );
                true
            })
        };
        *if is_taken { &mut taken } else { &mut refused } += 1;
    }
    assert!(
        taken > 1_000 && refused > 1_000,
        "{taken} taken, {refused} refused"
    );
}

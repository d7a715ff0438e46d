//! Bad input: a clear error that names the thing, the place and what was expected, and nothing is
//! lost.

use choreo::prelude::*;
use choreo::{Bytes, Codec, Encoded, Incoming, Operation, TypeTag};

#[cfg(not(target_arch = "wasm32"))]
use tokio::test;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

labels! {
    enum Decision { Accept, Reject }
}

fn name(role: &str) -> RoleName {
    RoleName::from(role)
}

fn pair() -> (InMemoryHandler<RoleName>, InMemoryHandler<RoleName>) {
    let network = InMemoryNetwork::of([name("Alice"), name("Bob")]);
    (
        network.join(name("Alice")).unwrap(),
        network.join(name("Bob")).unwrap(),
    )
}

#[test]
async fn an_unknown_role_is_named_with_those_that_there_are() {
    let (alice, bob) = pair();
    let error = alice.send(&(), name("Bop"), &1_u8).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownRole);
    assert_eq!(
        error.to_string(),
        "Alice: send to Bop: Bop is none of this network's roles: Alice, Bob"
    );
    let error = alice.recv::<u8>(&(), name("Bop")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::UnknownRole, Some(Operation::Recv))
    );
    let error = alice.network().join(name("Eve")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Eve is none of this network's roles: Alice, Bob"
    );
    let error = alice.send(&(), name("Alice"), &1_u8).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("a role does not speak to itself"),
        "{error}"
    );
    // The endpoint is as good as before.
    alice.send(&(), name("Bob"), &1_u8).await.unwrap();
    assert_eq!(bob.recv::<u8>(&(), name("Alice")).await.unwrap(), 1);
}

#[test]
async fn a_role_joins_once() {
    let network = InMemoryNetwork::new();
    let alice = network.join("Alice").unwrap();
    let error = network.join("Alice").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error
            .to_string()
            .contains("has joined this network already"),
        "{error}"
    );
    drop(alice);
    assert!(
        network
            .join("Alice")
            .unwrap_err()
            .to_string()
            .contains("has left")
    );
}

#[test]
async fn an_unknown_label_is_named_with_those_expected() {
    let (alice, bob) = pair();
    alice
        .choose(&(), name("Bob"), Label::from("Haggle"))
        .await
        .unwrap();
    alice
        .choose(&(), name("Bob"), Decision::Accept)
        .await
        .unwrap();
    let error = bob.offer::<Decision>(&(), name("Alice")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownLabel);
    assert_eq!(
        error.to_string(),
        "offer from Alice: the label `Haggle` is none of the expected: Accept, Reject"
    );
    assert_eq!(
        bob.offer::<Decision>(&(), name("Alice")).await.unwrap(),
        Decision::Accept
    );

    // The same in a program, with the place.
    alice
        .choose(&(), name("Bob"), Label::from("Haggle"))
        .await
        .unwrap();
    let decision = [Decision::Accept, Decision::Reject].map(|label| (label, Program::new()));
    let program = Program::<_, u8>::new()
        .branch(name("Alice"), decision)
        .end();
    let failed = interpret(&bob, &(), program).await.unwrap_err();
    assert_eq!(
        failed.to_string(),
        "offer from Alice: step 1 (branch on Alice): the label `Haggle` is none of the expected: \
         Accept, Reject"
    );
}

#[test]
async fn bytes_from_anyone_are_refused_or_read_but_never_trusted() {
    for (frame, expected) in [
        (&b""[..], "frame refused: it is empty"),
        (
            b"\x09rest",
            "frame refused: 9 is neither a label's mark nor a codec",
        ),
        (
            b"\x01\x00\x00",
            "frame refused: it ends within its header of 5 bytes",
        ),
        (b"\x00\xff\xfe", "frame refused: its label is not UTF-8"),
    ] {
        let error = Incoming::from_frame(Bytes::from_static(frame)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        // With the feature `codecs` of choreo-core it goes on with those that there are.
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    let decode = |bytes| {
        let tag = TypeTag::of::<(u16, String)>();
        Encoded::from_parts(Bytes::from_static(bytes), Codec::Postcard, tag)
            .decode::<(u16, String)>()
    };
    assert_eq!(decode(b"\x05\x02hi").unwrap(), (5, "hi".to_owned()));
    // A declared length of 2^63 allocates nothing.
    let endless = b"\x05\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01";
    assert_eq!(decode(endless).unwrap_err().kind(), ErrorKind::Decode);
    let error = decode(b"\x05\x02hi!!").unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 of 6 bytes are left over after a (u16,String)"
    );
}

#[test]
async fn a_message_where_a_label_is_due_is_refused_and_used_up() {
    let (alice, bob) = pair();
    alice.send(&(), name("Bob"), &1_u8).await.unwrap();
    alice
        .choose(&(), name("Bob"), Decision::Reject)
        .await
        .unwrap();
    let error = bob.offer::<Decision>(&(), name("Alice")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert_eq!(
        error.to_string(),
        "offer from Alice: expected a label, found a message of type u8"
    );
    assert_eq!(
        bob.offer::<Decision>(&(), name("Alice")).await.unwrap(),
        Decision::Reject
    );
}

#[test]
async fn a_program_that_ends_early_is_an_error_at_the_peer_that_goes_on() {
    let (alice, bob) = pair();
    let short = Program::new().send(name("Alice"), 1_u32).end();
    interpret(&bob, &(), short).await.unwrap();
    drop(bob);
    let longer = Program::new()
        .recv::<u32>(name("Bob"))
        .recv::<u32>(name("Bob"))
        .end();
    let failed = interpret(&alice, &(), longer).await.unwrap_err();
    assert_eq!(failed.error.kind(), ErrorKind::Closed);
    assert_eq!(failed.received.received_values, [1]);
    assert!(
        failed.to_string().contains("step 2 (receive from Bob)"),
        "{failed}"
    );
}

#[test]
async fn steps_behind_the_end_are_refused_before_anything_runs() {
    let (alice, bob) = pair();
    let program = Program::new()
        .send(name("Bob"), 1_u32)
        .end()
        .send(name("Bob"), 2);
    let failed = interpret(&alice, &(), program).await.unwrap_err();
    assert_eq!(failed.error.kind(), ErrorKind::Program);
    drop(alice);
    assert_eq!(
        bob.recv::<u32>(&(), name("Alice"))
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Closed
    );
}

#[test]
async fn a_closed_peer_is_an_error_for_whoever_waits() {
    let network = InMemoryNetwork::with_capacity(1);
    let (alice, bob) = (network.join("Alice").unwrap(), network.join("Bob").unwrap());
    alice.send(&(), "Bob", &1_u8).await.unwrap();
    let (waiting_send, waiting_recv, ()) = futures::join!(
        alice.send(&(), "Bob", &2_u8),
        alice.recv::<u8>(&(), "Bob"),
        async {
            choreo::runtime::yield_now().await;
            drop(bob);
        }
    );
    for (error, operation) in [
        (waiting_send.unwrap_err(), Operation::Send),
        (waiting_recv.unwrap_err(), Operation::Recv),
    ] {
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert_eq!((error.role(), error.peer()), (Some("Alice"), Some("Bob")));
        assert_eq!(error.operation(), Some(operation));
        assert!(!error.is_transient());
    }
}

#[test]
async fn an_endless_stream_of_values_does_not_fill_the_memory() {
    let (alice, bob) = pair();
    let receive = Program::new().recv::<u32>(name("Bob"));
    let program = Program::new().loop_inf(Program::new().parallel([receive]));
    let send = async { while bob.send(&(), name("Alice"), &1_u32).await.is_ok() {} };
    let run = async move {
        let endpoint = ();
        let interpreter = choreo::Interpreter::new(&alice, &endpoint).received_limit(100);
        interpreter.run(&program).await.unwrap_err()
    };
    let (failed, ()) = futures::join!(run, send);
    assert_eq!(failed.received.received_values.len(), 100);
    assert!(
        failed
            .to_string()
            .contains("100 received values are kept already"),
        "{failed}"
    );
}

//! Peers come and go: what the endpoint says and does.

use choreo_core::{ChoreoHandlerExt, ErrorKind, Program, Transport, interpret, runtime};
use choreo_handler_rumpsteak::{RumpsteakEndpoint, RumpsteakHandler, SimpleChannel};

#[cfg(not(target_arch = "wasm32"))]
use tokio::test;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Alice,
    Bob,
    Carol,
}
use Role::{Alice, Bob, Carol};

type Endpoint = RumpsteakEndpoint<Role>;

fn handler() -> RumpsteakHandler<Role> {
    RumpsteakHandler::new()
}

fn join(left: &Endpoint, right: &Endpoint) {
    let (to_right, to_left) = SimpleChannel::pair();
    left.register_channel(*right.role(), to_right);
    right.register_channel(*left.role(), to_left);
}

fn alice_and_bob() -> (Endpoint, Endpoint) {
    let (alice, bob) = (Endpoint::new(Alice), Endpoint::new(Bob));
    join(&alice, &bob);
    (alice, bob)
}

#[test]
async fn a_peer_that_is_not_registered_is_named_with_those_that_are() {
    let (alice, bob) = alice_and_bob();
    let error = handler().recv::<u8>(&alice, Carol).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownRole);
    assert_eq!(
        error.to_string(),
        "Alice: receive from Carol: no session with Carol is registered; there are: Bob; call \
         `register_channel`, `register_session` or `register_transport` of the endpoint first"
    );
    let error = handler().send(&alice, Carol, &1_u8).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownRole);
    let nobody = Endpoint::new(Carol);
    let error = handler().send(&nobody, Bob, &1_u8).await.unwrap_err();
    assert!(error.to_string().contains("no peer is;"), "{error}");

    // To all: nobody gets what cannot reach all of them.
    let both = [Bob, Carol];
    let error = handler().broadcast(&alice, &both, &1_u8).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.peer()),
        (ErrorKind::UnknownRole, Some("Carol"))
    );
    handler().send(&alice, Bob, &2_u8).await.unwrap();
    assert_eq!(handler().recv::<u8>(&bob, Alice).await.unwrap(), 2);
}

#[test]
async fn a_peer_may_be_registered_while_another_is_waited_for() {
    let (alice, bob) = alice_and_bob();
    let carol = Endpoint::new(Carol);
    let handler = handler();
    let waiting = handler.recv::<String>(&alice, Bob);
    let meanwhile = async {
        runtime::yield_now().await;
        join(&alice, &carol);
        handler.send(&carol, Alice, &"from Carol").await?;
        let from_carol: String = handler.recv(&alice, Carol).await?;
        handler.send(&bob, Alice, &from_carol).await
    };
    let (received, meanwhile) = futures::join!(waiting, meanwhile);
    meanwhile.unwrap();
    assert_eq!(received.unwrap(), "from Carol");
}

#[test]
async fn a_session_registered_anew_takes_the_place_of_the_first() {
    let (alice, bob) = alice_and_bob();
    let handler = handler();
    handler.send(&bob, Alice, &1_u8).await.unwrap();
    let (to_bob, to_alice) = SimpleChannel::pair();
    let first = alice.register_channel(Bob, to_bob).expect("there was one");
    bob.register_channel(Alice, to_alice);
    handler.send(&bob, Alice, &2_u8).await.unwrap();
    assert_eq!(handler.recv::<u8>(&alice, Bob).await.unwrap(), 2);
    // What came by the first is there still.
    assert!(first.recv().await.unwrap().is_some());
    assert_eq!(first.recv().await.unwrap(), None);

    assert!(alice.is_registered(&Bob));
    assert!(alice.unregister(&Bob).is_some());
    assert!(!alice.is_registered(&Bob) && alice.unregister(&Bob).is_none());
    assert!(alice.peers().is_empty());
    let error = handler.recv::<u8>(&bob, Alice).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[test]
async fn metadata_tell_of_each_peer() {
    let (alice, bob) = alice_and_bob();
    let handler = handler();
    for number in 0..3_u8 {
        handler.send(&alice, Bob, &number).await.unwrap();
    }
    handler.recv::<u8>(&bob, Alice).await.unwrap();
    let (at_alice, at_bob) = (alice.metadata(&Bob).unwrap(), bob.metadata(&Alice).unwrap());
    assert_eq!((at_alice.sent, at_alice.received), (3, 0));
    assert_eq!((at_bob.sent, at_bob.received), (0, 1));
    assert_eq!(at_alice.transport, "SimpleChannel");
    assert!(!at_alice.is_closed && !at_bob.is_closed);
    assert_eq!(alice.metadata(&Carol), None);

    alice.close().await.unwrap();
    assert!(alice.metadata(&Bob).unwrap().is_closed);
    while handler.recv::<u8>(&bob, Alice).await.is_ok() {}
    let [(peer, at_bob)] = &bob.all_metadata()[..] else {
        panic!("Bob has one peer")
    };
    assert_eq!((*peer, at_bob.received, at_bob.is_closed), (Alice, 3, true));
}

#[test]
async fn closing_ends_every_session_after_what_was_sent() {
    let (alice, bob) = alice_and_bob();
    let carol = Endpoint::new(Carol);
    join(&alice, &carol);
    let handler = handler();
    handler.send(&alice, Bob, &1_u8).await.unwrap();
    handler.send(&bob, Alice, &2_u8).await.unwrap();
    let waiting = handler.recv::<u8>(&carol, Alice);
    let (waiting, closed) = futures::join!(waiting, alice.close());
    closed.unwrap();
    assert_eq!(waiting.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(handler.recv::<u8>(&bob, Alice).await.unwrap(), 1);
    let error = handler.recv::<u8>(&bob, Alice).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Bob: receive from Alice: the peer has closed the session, or was dropped"
    );
    // At Alice, too: what Bob had sent, and then no more.
    assert_eq!(handler.recv::<u8>(&alice, Bob).await.unwrap(), 2);
    for error in [
        handler.recv::<u8>(&alice, Bob).await.unwrap_err(),
        handler.send(&alice, Bob, &3_u8).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Closed);
    }
    alice.close().await.unwrap();
}

#[test]
async fn a_send_does_not_wait_behind_a_receive_nor_a_receive_behind_a_send() {
    let (alice, bob) = alice_and_bob();
    let handler = handler();
    let fill = async {
        for number in 0..=SimpleChannel::DEFAULT_CAPACITY as u32 {
            handler.send(&alice, Bob, &number).await?;
        }
        Ok(())
    };
    let receive = async {
        let go_on: u8 = handler.recv(&alice, Bob).await?;
        Ok(go_on)
    };
    let at_bob = async {
        runtime::yield_now().await;
        // Alice has filled the queue, waits to send one more, and receives this meanwhile.
        handler.send(&bob, Alice, &7_u8).await?;
        for number in 0..=SimpleChannel::DEFAULT_CAPACITY as u32 {
            assert_eq!(handler.recv::<u32>(&bob, Alice).await?, number);
        }
        Ok::<(), choreo_core::Error>(())
    };
    let (((), go_on), ()) =
        futures::try_join!(async { futures::try_join!(fill, receive) }, at_bob).unwrap();
    assert_eq!(go_on, 7);
}

#[test]
async fn branches_of_a_program_run_at_once() {
    let (alice, bob) = alice_and_bob();
    let carol = Endpoint::new(Carol);
    join(&alice, &carol);
    let handler = handler();
    // The first branch ends only when the second has sent what Bob waits for.
    let branches = [
        Program::new().recv::<u8>(Bob),
        Program::new().recv::<u8>(Carol).send(Bob, 1_u8),
    ];
    let program = Program::new().parallel(branches).end();
    let at_bob = async {
        handler.recv::<u8>(&bob, Alice).await?;
        handler.send(&bob, Alice, &2_u8).await
    };
    let (result, at_bob, at_carol) = futures::join!(
        interpret(&handler, &alice, program),
        at_bob,
        handler.send(&carol, Alice, &3_u8),
    );
    at_bob.and(at_carol).unwrap();
    assert_eq!(result.unwrap().received_values, [2, 3]);
}

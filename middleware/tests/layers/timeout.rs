//! What takes too long ends, says so, and loses nothing.
#![cfg(feature = "timeout")]

use std::time::Duration;

use crate::common::{ALICE, BOB, Stuck, pair};
use choreo_core::{
    ChoreoHandler, ChoreoHandlerExt, ErrorKind, Operation, Outgoing, labels, runtime,
};
use choreo_middleware::{Timeout, TimeoutLayer};

labels! {
    enum Decision { Accept }
}

const LIMIT: Duration = Duration::from_millis(5);

tests! {
    async fn a_receive_that_times_out_loses_nothing() {
        let (alice, bob) = pair();
        let bob = Timeout::new(bob, LIMIT);
        for n in 0..5_u32 {
            let error = bob.recv::<u32>(&(), ALICE).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout);
            alice.send(&(), BOB, &n).await.unwrap();
            assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), n);
        }
    }

    async fn the_error_names_the_operation_the_peer_and_the_limit() {
        let (alice, bob) = pair();
        let bob = bob.layer(TimeoutLayer::default().recv(LIMIT));
        let error = bob.recv::<u32>(&(), ALICE).await.unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("receive from Alice: ") && text.contains('5'), "{text}");

        let alice = alice.layer(TimeoutLayer::default().send(LIMIT));
        let error = loop {
            if let Err(error) = alice.choose(&(), BOB, Decision::Accept).await {
                break error;
            }
        };
        assert_eq!(error.operation(), Some(Operation::Choose));
        assert_eq!(error.peer(), Some(BOB));
        drop(bob);
    }

    async fn a_send_that_times_out_may_have_arrived_so_it_is_not_transient() {
        let handler = Stuck.layer(TimeoutLayer::new(LIMIT));
        let error = handler.send(&(), BOB, &1_u32).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(!error.is_transient());

        let both = [BOB, ALICE];
        let to_both = handler.send_to_all(&(), &both, Outgoing::Message(&1_u32));
        let error = to_both.await.unwrap_err();
        assert_eq!(error.peer(), Some("Bob, Alice"));
        assert!(!error.is_transient());
    }

    async fn sends_and_receives_have_limits_apart() {
        let recv_only = Stuck.layer(TimeoutLayer::default().recv(LIMIT));
        recv_only.recv::<u32>(&(), BOB).await.unwrap_err();
        let sending = recv_only.send(&(), BOB, &1_u32);
        runtime::timeout(3 * LIMIT, sending).await.unwrap_err();

        let send_only = Stuck.layer(TimeoutLayer::default().send(LIMIT));
        send_only.send(&(), BOB, &1_u32).await.unwrap_err();
        let receiving = send_only.recv::<u32>(&(), BOB);
        runtime::timeout(3 * LIMIT, receiving).await.map(drop).unwrap_err();
    }

    async fn what_is_ready_at_once_is_within_any_limit() {
        let (alice, bob) = pair();
        let (alice, bob) = (Timeout::new(alice, Duration::ZERO), Timeout::new(bob, Duration::ZERO));
        alice.send(&(), BOB, &1_u32).await.unwrap();
        assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), 1);
    }
}

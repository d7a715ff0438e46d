//! The first step that is not due is an error that names what was, and nothing wrong goes out.
#![cfg(feature = "monitor")]

#[macro_use]
mod common;

use choreo_core::{
    ChoreoHandler, ChoreoHandlerExt, ErrorKind, Layer, Outgoing, Result, forward, labels,
};
use choreo_middleware::MonitorLayer;
use choreo_protocol::{Branch, Global, Local, Message, State, Step};
use choreo_testkit::layer_suite;
use common::{ALICE, BOB, CAROL, pair, unsent};
use futures::join;
use std::sync::atomic::{AtomicUsize, Ordering};

labels! {
    enum Decision { Again, Enough, Never }
}

/// Alice asks for as long as she likes, and Bob answers.
fn asking() -> Global {
    let question = Message::new("Question").carrying("u32");
    let answer = Message::new("Answer").carrying("String");
    let again = [
        Step::message(ALICE, BOB, question),
        Step::message(BOB, ALICE, answer),
    ];
    let enough = [Step::Break("asking".into())];
    let branches = [Branch::new("Again", again), Branch::new("Enough", enough)];
    let choice = Step::choice(ALICE, [BOB], branches);
    Global::new("Asking")
        .role(ALICE)
        .role(BOB)
        .then(Step::again("asking", [choice]))
}

/// Alice sends to Bob while Bob sends to Alice.
fn exchange() -> Global {
    let message = |name: &str, kind: &str| Message::new(name).carrying(kind);
    Global::new("Exchange")
        .role(ALICE)
        .role(BOB)
        .then(Step::Parallel(vec![
            vec![Step::message(ALICE, BOB, message("Mine", "u8"))],
            vec![Step::message(BOB, ALICE, message("Yours", "u16"))],
        ]))
        .then(Step::message(ALICE, BOB, message("Last", "u32")))
}

fn part(global: &Global, role: &str) -> MonitorLayer {
    MonitorLayer::new(global.project(role).expect("it is sound"))
}

fn assert_deviation<T: std::fmt::Debug>(result: Result<T>, due: &str, seen: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert!(!error.is_transient(), "{error}");
    let text = error.to_string();
    let expected = format!("leaves its protocol: due: {due}; seen: {seen}");
    assert!(text.ends_with(&expected), "{text}\nexpected: {expected}");
}

/// Whatever wrong Alice does is refused, and Bob sees only what is right.
async fn only_what_is_due_goes_out<A, B>(alice: &A, bob: &B)
where
    A: ChoreoHandler<Role = &'static str, Endpoint = ()> + ?Sized,
    B: ChoreoHandler<Role = &'static str, Endpoint = ()> + ?Sized,
{
    let choice = "to tell `Bob` of Again or Enough";
    assert_deviation(alice.send(&(), BOB, &7_u32).await, choice, "to send u32");
    assert_deviation(alice.recv::<u32>(&(), BOB).await, choice, "to receive");
    let never = alice.choose(&(), BOB, Decision::Never).await;
    assert_deviation(never, choice, "to tell of Never");
    let stranger = alice.choose(&(), CAROL, Decision::Again).await;
    assert_deviation(stranger, choice, "to tell of Again");
    alice.choose(&(), BOB, Decision::Again).await.unwrap();

    let question = "to send Question(u32) to `Bob`";
    let other = alice.send(&(), BOB, &"why?").await;
    assert_deviation(other, question, "to send String");
    let again = alice.choose(&(), BOB, Decision::Again).await;
    assert_deviation(again, question, "to tell of Again");
    let all = [BOB, BOB];
    let twice = alice
        .send_to_all(&(), &all, Outgoing::Message(&7_u32))
        .await;
    let answer = "to receive Answer(String) from `Bob`";
    assert_deviation(twice, answer, "to send u32");
    alice.send(&(), BOB, &7_u32).await.unwrap();
    assert_deviation(alice.send(&(), BOB, &8_u32).await, answer, "to send u32");

    assert_eq!(
        bob.offer::<Decision>(&(), ALICE).await.unwrap(),
        Decision::Again
    );
    assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), 7);
    bob.send(&(), ALICE, &"because").await.unwrap();
    assert_eq!(alice.recv::<String>(&(), BOB).await.unwrap(), "because");

    alice.choose(&(), BOB, Decision::Enough).await.unwrap();
    let over = "nothing, the part is over";
    assert_deviation(alice.send(&(), BOB, &9_u32).await, over, "to send u32");
    assert_deviation(alice.recv::<u32>(&(), BOB).await, over, "to receive");
    assert_eq!(
        bob.offer::<Decision>(&(), ALICE).await.unwrap(),
        Decision::Enough
    );
    // Had anything else gone out, it would be before this.
    alice.abandon(&(), &[BOB]);
    let gone = bob.recv::<u32>(&(), ALICE).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::Closed, "{gone}");
}

tests! {
    async fn nothing_wrong_goes_out_of_a_static_stack() {
        let (alice, bob) = pair();
        let alice = part(&asking(), ALICE).layer(alice);
        only_what_is_due_goes_out(&alice, &bob).await;
        assert!(alice.is_over());
    }

    async fn nothing_wrong_goes_out_of_a_stack_on_boxes() {
        let (alice, bob) = pair();
        let alice = alice.boxed().layer(part(&asking(), ALICE)).boxed();
        only_what_is_due_goes_out(&*alice, &*bob.boxed()).await;
    }

    async fn what_the_peer_does_wrong_does_not_come_in() {
        let (alice, bob) = pair();
        let bob = part(&asking(), BOB).layer(bob);
        let choice = "to hear of Again or Enough from `Alice`";
        alice.send(&(), BOB, &1_u32).await.unwrap();
        let kind = bob.offer::<Decision>(&(), ALICE).await;
        assert_deviation(kind, choice, "the peer has sent u32");
        alice.choose(&(), BOB, Decision::Never).await.unwrap();
        let label = bob.offer::<Decision>(&(), ALICE).await;
        assert_deviation(label, choice, "the peer has told of Never");

        alice.choose(&(), BOB, Decision::Again).await.unwrap();
        assert_eq!(bob.offer::<Decision>(&(), ALICE).await.unwrap(), Decision::Again);
        let question = "to receive Question(u32) from `Alice`";
        alice.choose(&(), BOB, Decision::Again).await.unwrap();
        let kind = bob.recv::<u32>(&(), ALICE).await;
        assert_deviation(kind, question, "the peer has told of Again");
        alice.send(&(), BOB, &"why?").await.unwrap();
        // The monitor sees it whatever the role expects.
        let name = bob.recv::<String>(&(), ALICE).await.unwrap_err();
        assert_eq!(name.kind(), ErrorKind::Protocol, "{name}");
        assert!(name.to_string().contains(question), "{name}");
    }

    async fn the_error_says_whose_it_is() {
        let (alice, _bob) = pair();
        let alice = part(&asking(), ALICE).layer(alice);
        let error = alice.send(&(), BOB, &7_u32).await.unwrap_err();
        assert_eq!(error.peer(), Some(BOB));
        assert_eq!(
            error.to_string(),
            "send to Bob: `Alice` leaves its protocol: due: to tell `Bob` of Again or Enough; \
             seen: to send u32"
        );
    }

    async fn loops_are_gone_round_as_often_as_they_are() {
        let (alice, bob) = pair();
        let global = asking();
        let (alice, bob) = (part(&global, ALICE).layer(alice), part(&global, BOB).layer(bob));
        for round in 0..100_u32 {
            alice.choose(&(), BOB, Decision::Again).await.unwrap();
            alice.send(&(), BOB, &round).await.unwrap();
            assert_eq!(bob.offer::<Decision>(&(), ALICE).await.unwrap(), Decision::Again);
            assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), round);
            bob.send(&(), ALICE, &round.to_string()).await.unwrap();
            assert_eq!(alice.recv::<String>(&(), BOB).await.unwrap(), round.to_string());
        }
        assert!(!alice.is_over() && !bob.is_over());
        alice.choose(&(), BOB, Decision::Enough).await.unwrap();
        assert_eq!(bob.offer::<Decision>(&(), ALICE).await.unwrap(), Decision::Enough);
        assert!(alice.is_over() && bob.is_over());
    }

    async fn what_is_done_at_once_goes_in_any_order() {
        for receives_first in [false, true] {
            let (alice, bob) = pair();
            let alice = part(&exchange(), ALICE).layer(alice);
            bob.send(&(), ALICE, &2_u16).await.unwrap();
            let last = alice.send(&(), BOB, &3_u32).await;
            let both = "to send Mine(u8) to `Bob`, or to receive Yours(u16) from `Bob`";
            assert_deviation(last, both, "to send u32");
            if receives_first {
                assert_eq!(alice.recv::<u16>(&(), BOB).await.unwrap(), 2);
                let last = alice.send(&(), BOB, &3_u32).await;
                assert_deviation(last, "to send Mine(u8) to `Bob`", "to send u32");
                alice.send(&(), BOB, &1_u8).await.unwrap();
            } else {
                let (sent, received) =
                    join!(alice.send(&(), BOB, &1_u8), alice.recv::<u16>(&(), BOB));
                sent.unwrap();
                assert_eq!(received.unwrap(), 2);
            }
            alice.send(&(), BOB, &3_u32).await.unwrap();
            assert!(alice.is_over());
        }
    }

    async fn a_send_that_was_not_sent_is_due_again() {
        let (alice, bob) = pair();
        let alice = part(&asking(), ALICE).layer(Unreachable::twice(alice));
        for _ in 0..2 {
            let unsent = alice.choose(&(), BOB, Decision::Again).await.unwrap_err();
            assert!(unsent.is_transient(), "{unsent}");
        }
        alice.choose(&(), BOB, Decision::Again).await.unwrap();
        alice.send(&(), BOB, &1_u32).await.unwrap();
        assert_eq!(bob.offer::<Decision>(&(), ALICE).await.unwrap(), Decision::Again);
        assert_eq!(bob.recv::<u32>(&(), ALICE).await.unwrap(), 1);
    }

    async fn a_send_that_was_not_sent_is_due_again_whatever_was_done_at_once() {
        let (alice, bob) = pair();
        let alice = part(&exchange(), ALICE).layer(Unreachable::twice(alice));
        bob.send(&(), ALICE, &2_u16).await.unwrap();
        let receiving = async { alice.recv::<u16>(&(), BOB).await };
        let (unsent, received) = join!(alice.send(&(), BOB, &1_u8), receiving);
        assert!(unsent.unwrap_err().is_transient());
        assert_eq!(received.unwrap(), 2);
        assert!(alice.send(&(), BOB, &1_u8).await.unwrap_err().is_transient());
        alice.send(&(), BOB, &1_u8).await.unwrap();
        alice.send(&(), BOB, &3_u32).await.unwrap();
    }
}

/// The first sends do not get away, and it takes a while until that is known.
struct Unreachable<H> {
    inner: H,
    left: AtomicUsize,
}

impl<H> Unreachable<H> {
    fn twice(inner: H) -> Self {
        let left = AtomicUsize::new(2);
        Self { inner, left }
    }
}

#[choreo_core::async_trait]
impl<H: ChoreoHandler> ChoreoHandler for Unreachable<H> {
    type Role = H::Role;
    type Endpoint = H::Endpoint;

    async fn send_payload(
        &self,
        endpoint: &H::Endpoint,
        to: &H::Role,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        let left = |left: usize| left.checked_sub(1);
        if self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, left)
            .is_ok()
        {
            pending_once().await;
            return Err(unsent());
        }
        self.inner.send_payload(endpoint, to, payload).await
    }

    forward!(inner: recv_payload, send_to_all, abandon);
}

async fn pending_once() {
    let mut waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// A part in which everything that the suite does is due: sends, choices, receives and offers, to
/// and from all, at any time.
fn anything() -> Local {
    let long = "long".repeat(2500);
    let labels = [
        "accept",
        "Accept",
        "Reject",
        "after the message",
        "late",
        "",
        " two\nlines\0",
        "être 選択 🦀",
        &long,
    ];
    let rounds = (0..100).map(|round| format!("round {round}"));
    let labels: Vec<_> = labels
        .map(str::to_owned)
        .into_iter()
        .chain(rounds)
        .collect();
    let mut states = vec![State::End];
    let mut branches = Vec::new();
    for role in [ALICE, BOB, CAROL] {
        let id = states.len();
        let role = || role.to_owned();
        let message = || Message::new("_");
        let ways = |id: usize| labels.iter().map(|label| (label.clone(), id)).collect();
        states.push(State::Send {
            to: role(),
            message: message(),
            next: id,
        });
        states.push(State::Choose {
            to: vec![role()],
            branches: ways(id + 1),
        });
        states.push(State::Recv {
            from: role(),
            message: message(),
            next: id + 2,
        });
        states.push(State::Offer {
            from: role(),
            branches: ways(id + 3),
        });
        branches.extend(id..id + 4);
    }
    let next = states.len();
    states.push(State::End);
    states[Local::START] = State::Parallel { branches, next };
    Local {
        role: ALICE.to_owned(),
        states,
    }
}

layer_suite!(a_part_with_everything, MonitorLayer::new(anything()));

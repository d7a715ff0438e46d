use std::cell::Cell;
use std::pin::pin;

use choreo_core::ErrorKind;
use futures::try_join;

use crate::promise::{CLOSED, INDEPENDENT};
use crate::trial::Trial;
use crate::{ErasedFixture, Violation};

/// What a peer sent before it left is received; after that each receive is an error of kind
/// `Closed`, and none hangs.
pub async fn a_closed_peer_is_an_error_after_what_it_sent(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    const SENT: u32 = 3;
    let check = "a_closed_peer_is_an_error_after_what_it_sent";
    let trial = Trial::new(fixture, check, CLOSED);
    let [alice, bob] = trial.session().await?;
    let left = alice.name().clone();
    let gone = Cell::new(false);
    let leaving = async {
        for message in 0..SENT {
            trial.send(&alice, &bob, &message).await?;
        }
        trial.leave(alice).await?;
        gone.set(true);
        Ok(())
    };
    let receiving = async {
        for due in 0..SENT {
            // Reads before the peer is gone only where the queue would not take all.
            if !gone.get() {
                trial.look_on().await;
            }
            trial.recv(&bob, &left, &due).await?;
        }
        for _ in 0..2 {
            let what = format!("{bob} receiving from {left}, who has left,");
            let receiving = bob.recv::<u32>(&left);
            trial.fails(what, ErrorKind::Closed, receiving).await?;
        }
        Ok(())
    };
    try_join!(leaving, receiving).map(drop)
}

/// A receive that waits when the peer leaves ends with an error of kind `Closed`.
pub async fn a_waiting_receive_learns_that_the_peer_left(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let check = "a_waiting_receive_learns_that_the_peer_left";
    let trial = Trial::new(fixture, check, CLOSED);
    let [alice, bob] = trial.session().await?;
    let left = alice.name().clone();
    let mut receiving = pin!(bob.recv::<u32>(&left));
    let what = format!("{bob} receiving from {left}, who sends nothing,");
    trial.waits(what, receiving.as_mut()).await?;
    trial.leave(alice).await?;
    let what = format!("{bob}'s receive, waiting when {left} left,");
    trial
        .fails(what, ErrorKind::Closed, receiving)
        .await
        .map(drop)
}

/// Sends to a peer that has left end with an error of kind `Closed`, at the latest when its queue
/// would be full.
pub async fn a_send_to_a_closed_peer_is_an_error(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "a_send_to_a_closed_peer_is_an_error", CLOSED);
    let [alice, bob] = trial.session().await?;
    let left = alice.name().clone();
    trial.leave(alice).await?;
    trial.look_on().await;
    let what = format!("{bob} sending to {left}, who has left,");
    for _ in 0..trial.settings.queue_bound {
        // Over a network, a few may be on their way before the news comes.
        if trial.within(&what, bob.send(&left, &1_u32)).await?.is_err() {
            break;
        }
    }
    let sending = bob.send(&left, &1_u32);
    trial
        .fails(what, ErrorKind::Closed, sending)
        .await
        .map(drop)
}

/// A send that waits at a full queue when the peer leaves does not wait for ever. It ends with an
/// error of kind `Closed`, or well, where the message had its place in the queue already; the next
/// send fails.
pub async fn a_waiting_send_ends_when_the_peer_leaves(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let check = "a_waiting_send_ends_when_the_peer_leaves";
    let trial = Trial::new(fixture, check, CLOSED);
    let [alice, bob] = trial.session().await?;
    let (_, waiting) = trial.fill(&alice, &bob).await?;
    let left = bob.name().clone();
    trial.leave(bob).await?;
    let what = format!("{alice}'s send, waiting at a full queue when {left} left,");
    if let Err(error) = trial.within(&what, waiting).await? {
        trial.ensure(error.kind() == ErrorKind::Closed, || {
            format!("{what} failed with {error:?}, where an error of kind Closed was due")
        })?;
    }
    let what = format!("{alice} sending to {left}, who has left with a full queue,");
    let sending = alice.send(&left, &1_u32);
    trial
        .fails(what, ErrorKind::Closed, sending)
        .await
        .map(drop)
}

/// When one peer leaves, the others notice nothing.
pub async fn a_closed_peer_does_not_disturb_the_others(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let check = "a_closed_peer_does_not_disturb_the_others";
    let trial = Trial::new(fixture, check, INDEPENDENT);
    let [alice, bob, carol] = trial.session().await?;
    let left = bob.name().clone();
    let mut receiving = pin!(trial.recv(&alice, &carol, &1_u32));
    let what = format!("{alice} receiving from {carol}, who sends nothing,");
    trial.waits(what, receiving.as_mut()).await?;
    trial.leave(bob).await?;
    let what = format!("{alice} receiving from {left}, who has left,");
    trial
        .fails(what, ErrorKind::Closed, alice.recv::<u32>(&left))
        .await?;
    trial.send(&carol, &alice, &1_u32).await?;
    receiving.await?;
    trial.send(&alice, &carol, &2_u32).await?;
    trial.recv(&carol, &alice, &2_u32).await
}

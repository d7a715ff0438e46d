use futures::try_join;

use crate::promise::{BOUNDED, HANDED_OVER};
use crate::trial::Trial;
use crate::{ErasedFixture, Violation};

/// A send returns when the message is handed over, though nobody reads it yet.
pub async fn a_send_does_not_wait_for_the_reader(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "a_send_does_not_wait_for_the_reader", HANDED_OVER);
    let [alice, bob] = trial.session().await?;
    trial.send(&alice, &bob, &1_u32).await?;
    trial.recv(&bob, &alice, &1_u32).await
}

/// Sends to a peer that reads nothing wait, at the latest when the queue holds as much as the
/// fixture says.
pub async fn a_full_queue_makes_the_send_wait(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "a_full_queue_makes_the_send_wait", BOUNDED);
    let [alice, bob] = trial.session().await?;
    trial.fill(&alice, &bob).await.map(drop)
}

/// A send that waits at a full queue returns when the peer reads, and nothing of it is lost.
pub async fn a_waiting_send_goes_on_when_the_peer_reads(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let check = "a_waiting_send_goes_on_when_the_peer_reads";
    let trial = Trial::new(fixture, check, BOUNDED);
    let [alice, bob] = trial.session().await?;
    let (sent, waiting) = trial.fill(&alice, &bob).await?;
    let what = format!("{alice}'s send, waiting at a full queue while {bob} reads,");
    let waiting = trial.ok(what, waiting);
    let reading = async {
        for due in 0..=sent {
            trial.recv(&bob, &alice, &due).await?;
        }
        Ok(())
    };
    try_join!(waiting, reading).map(drop)
}

use choreo_core::ErrorKind;

use crate::promise::CLOSED;
use crate::trial::Trial;
use crate::{ErasedFixture, Violation};

/// What a peer sent before it left is received; after that each receive is an error of kind
/// `Closed`, and none hangs.
pub async fn a_closed_peer_is_an_error_after_what_it_sent(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(
        fixture,
        "a_closed_peer_is_an_error_after_what_it_sent",
        CLOSED,
    );
    let [alice, bob] = trial.session().await?;
    let sent = trial.settings.queue_bound.min(3) as u32;
    for message in 0..sent {
        trial.send(&alice, &bob, &message).await?;
    }
    let left = alice.name().clone();
    trial.leave(alice).await?;
    for due in 0..sent {
        trial.recv(&bob, &left, &due).await?;
    }
    for _ in 0..2 {
        let receiving = bob.recv::<u32>(&left);
        trial
            .fails(
                format_args!("{bob} receiving from {left}, who has left,"),
                ErrorKind::Closed,
                receiving,
            )
            .await?;
    }
    Ok(())
}

use std::pin::pin;

use choreo_core::{ErrorKind, runtime};
use futures::try_join;

use crate::promise::{INDEPENDENT, TO_A_ROLE};
use crate::trial::Trial;
use crate::{ErasedFixture, Violation};

/// While one receive waits for a peer, and one send for another's full queue, everything else with
/// other peers goes on.
pub async fn waiting_for_one_peer_does_not_block_another(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let check = "waiting_for_one_peer_does_not_block_another";
    let trial = Trial::new(fixture, check, INDEPENDENT);
    let [alice, bob, carol] = trial.session().await?;
    {
        let mut receiving = pin!(trial.recv(&alice, &bob, &1_u32));
        let what = format!("{alice} receiving from {bob}, who sends nothing,");
        trial.waits(what, receiving.as_mut()).await?;
        trial.send(&alice, &carol, &2_u32).await?;
        trial.recv(&carol, &alice, &2_u32).await?;
        trial.send(&carol, &alice, &3_u32).await?;
        trial.recv(&alice, &carol, &3_u32).await?;
        trial.send(&bob, &alice, &1_u32).await?;
        receiving.await?;
    }
    let (_, waiting) = trial.fill(&alice, &bob).await?;
    trial.send(&alice, &carol, &4_u32).await?;
    trial.recv(&carol, &alice, &4_u32).await?;
    trial.send(&carol, &alice, &5_u32).await?;
    trial.recv(&alice, &carol, &5_u32).await?;
    drop(waiting);
    Ok(())
}

/// Two receives from different peers wait at the same time: the one that was started last may end
/// first, and what ends the other may depend on it.
pub async fn receives_from_different_peers_overlap(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let check = "receives_from_different_peers_overlap";
    let trial = Trial::new(fixture, check, INDEPENDENT);
    let [alice, bob, carol] = trial.session().await?;
    for (first, second) in [(&bob, &carol), (&carol, &bob)] {
        // The first sends only after the second was heard.
        let from_first = trial.recv(&alice, first, &1_u32);
        let from_second = async {
            trial.recv(&alice, second, &2_u32).await?;
            trial.send(&alice, first, &3_u32).await
        };
        let answering = async {
            trial.recv(first, &alice, &3_u32).await?;
            trial.send(first, &alice, &1_u32).await
        };
        let sending = async {
            trial.look_on().await;
            trial.send(second, &alice, &2_u32).await
        };
        try_join!(from_first, from_second, answering, sending)?;
    }
    Ok(())
}

/// Two sends to different peers wait at the same time, each for its own queue: the one that was
/// started last goes on when its peer reads.
pub async fn sends_to_different_peers_overlap(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "sends_to_different_peers_overlap", INDEPENDENT);
    let [alice, bob, carol] = trial.session().await?;
    for (first, second) in [(&bob, &carol), (&carol, &bob)] {
        let (to_first, first_waits) = trial.fill(&alice, first).await?;
        let (to_second, second_waits) = trial.fill(&alice, second).await?;
        for (peer, sent, waiting) in [
            (second, to_second, second_waits),
            (first, to_first, first_waits),
        ] {
            let what = format!("{alice}'s waiting send to {peer}, who reads,");
            let sending = trial.ok(what, waiting);
            let reading = async {
                for due in 0..=sent {
                    trial.recv(peer, &alice, &due).await?;
                }
                Ok(())
            };
            try_join!(sending, reading)?;
        }
    }
    Ok(())
}

/// What is sent to a role outside of the session reaches nobody else, and receiving from one gives
/// nothing. Either is an error of kind `UnknownRole`, or waits for the role to join. The session
/// goes on.
pub async fn a_stranger_gets_nothing_and_breaks_nothing(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let check = "a_stranger_gets_nothing_and_breaks_nothing";
    let trial = Trial::new(fixture, check, TO_A_ROLE);
    let [alice, bob] = trial.session().await?;
    let Some(stranger) = trial.settings.roles.get(2).cloned() else {
        return Err(trial.violation("the check needs a third role, to be the stranger"));
    };
    // Errors and waiting will do, success only for a send.
    let within = trial.settings.patience;
    let sending = runtime::timeout(within, alice.send(&stranger, &"for a stranger"));
    let what = format!("{alice} sending to {stranger}, who is not in the session,");
    let sent = trial
        .within(&what, sending)
        .await?
        .ok()
        .and_then(Result::err);
    let receiving = runtime::timeout(within, alice.recv::<String>(&stranger));
    let what = format!("{alice} receiving from {stranger}, who is not in the session,");
    let received = match trial.within(&what, receiving).await?.ok() {
        Some(Ok(message)) => {
            return Err(trial.violation(format_args!("{what} gave {message:?}")));
        }
        Some(Err(error)) => Some(error),
        None => None,
    };
    for error in [sent, received].into_iter().flatten() {
        trial.ensure(error.kind() == ErrorKind::UnknownRole, || {
            format!(
                "the error for a role that is not in the session is not `UnknownRole`: {error:?}"
            )
        })?;
    }
    let next = "for bob".to_owned();
    trial.send(&alice, &bob, &next).await?;
    trial.recv(&bob, &alice, &next).await?;
    trial.send(&bob, &alice, &next).await?;
    trial.recv(&alice, &bob, &next).await
}

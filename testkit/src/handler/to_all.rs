use choreo_core::{ChoreoHandlerExt, ErrorKind, Label, RoleName};
use futures::{FutureExt, try_join};

use crate::promise::{TO_ALL, TO_ALL_FAILS};
use crate::trial::Trial;
use crate::{ErasedFixture, Peer, Violation};

/// What is sent to all reaches each of them, messages and labels, in order with what is sent to
/// one. Sending to nobody is no error.
pub async fn send_to_all_reaches_all_in_order(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "send_to_all_reaches_all_in_order", TO_ALL);
    let [alice, bob, carol] = trial.session().await?;
    let both = [bob.name().clone(), carol.name().clone()];
    let sending = async {
        for round in 0..3_u32 {
            trial.send(&alice, &bob, &(round, "to one")).await?;
            to_all(&trial, &alice, &both, &(round, "to all")).await?;
            trial.send(&alice, &carol, &(round, "to the other")).await?;
            let choosing =
                alice
                    .handler()
                    .choose_for_all(&(), &both, Label::from(format!("round {round}")));
            trial
                .ok(format!("{alice} choosing for {both:?}"), choosing.boxed())
                .await?;
        }
        to_all(&trial, &alice, &[], &"nobody").await
    };
    type Numbered = (u32, String);
    let at_bob = async {
        for round in 0..3_u32 {
            for due in ["to one", "to all"] {
                let due: Numbered = (round, due.to_owned());
                trial.recv(&bob, &alice, &due).await?;
            }
            trial.offer(&bob, &alice, &format!("round {round}")).await?;
        }
        Ok(())
    };
    let at_carol = async {
        for round in 0..3_u32 {
            for due in ["to all", "to the other"] {
                let due: Numbered = (round, due.to_owned());
                trial.recv(&carol, &alice, &due).await?;
            }
            trial
                .offer(&carol, &alice, &format!("round {round}"))
                .await?;
        }
        Ok(())
    };
    try_join!(sending, at_bob, at_carol).map(drop)
}

/// When one of many has left, sending to all is an error; who stands before it has the message, so
/// the error is not transient.
pub async fn a_failure_in_send_to_all_is_an_error(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(
        fixture,
        "a_failure_in_send_to_all_is_an_error",
        TO_ALL_FAILS,
    );
    let [alice, bob, carol] = trial.session().await?;
    let both = [bob.name().clone(), carol.name().clone()];
    trial.leave(carol).await?;
    trial.look_on().await;
    // Over a network, a few may be on their way before the news comes.
    for _ in 0..=trial.settings.queue_bound {
        let what = format!("{alice} sending to {both:?}, of whom the last has left,");
        let sending = alice.handler().broadcast(&(), &both, &1_u32);
        let sent = trial.within(&what, sending.boxed()).await?;
        trial.recv(&bob, &alice, &1_u32).await?;
        if let Err(error) = sent {
            return trial.ensure(error.kind() == ErrorKind::Closed && !error.is_transient(), || {
                format!(
                    "{what} failed with {error:?} (transient: {}), where an error of kind Closed \
                     that is not transient was due",
                    error.is_transient()
                )
            });
        }
    }
    Err(trial.violation(format_args!(
        "{alice} sending to {both:?} did not fail, though the last has left"
    )))
}

async fn to_all<M: choreo_core::Message + std::fmt::Debug>(
    trial: &Trial<'_>,
    from: &Peer,
    to: &[RoleName],
    message: &M,
) -> Result<(), Violation> {
    let what = format!("{from} sending {message:?} to {to:?}");
    trial
        .ok(what, from.handler().broadcast(&(), to, message).boxed())
        .await
}

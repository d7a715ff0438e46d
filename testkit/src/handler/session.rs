use choreo_core::ErrorKind;

use crate::promise::SESSION;
use crate::trial::Trial;
use crate::{ErasedFixture, Violation};

/// Two sessions of the same roles at the same time: nothing passes from one to the other.
pub async fn two_sessions_do_not_mix(fixture: &dyn ErasedFixture) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "two_sessions_do_not_mix", SESSION);
    let [alice_1, bob_1] = trial.session().await?;
    let [alice_2, bob_2] = trial.session().await?;
    for round in 0..3_u32 {
        trial.send(&alice_2, &bob_2, &(round, 2_u8)).await?;
        trial.send(&alice_1, &bob_1, &(round, 1_u8)).await?;
        trial.recv(&bob_1, &alice_1, &(round, 1_u8)).await?;
        trial.recv(&bob_2, &alice_2, &(round, 2_u8)).await?;
    }
    Ok(())
}

/// When a role leaves one session, the other one goes on.
pub async fn a_closed_session_leaves_the_other_alone(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "a_closed_session_leaves_the_other_alone", SESSION);
    let [alice_1, bob_1] = trial.session().await?;
    let [alice_2, bob_2] = trial.session().await?;
    let left = alice_1.name().clone();
    trial.leave(alice_1).await?;
    let what = format!("{bob_1} receiving from {left}, who has left,");
    trial
        .fails(what, ErrorKind::Closed, bob_1.recv::<u32>(&left))
        .await?;
    trial.send(&alice_2, &bob_2, &1_u32).await?;
    trial.recv(&bob_2, &alice_2, &1_u32).await?;
    trial.leave(bob_1).await?;
    trial.send(&bob_2, &alice_2, &2_u32).await?;
    trial.recv(&alice_2, &bob_2, &2_u32).await
}

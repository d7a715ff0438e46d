use std::pin::pin;

use futures::try_join;

use crate::promise::{ORDER, WAITS};
use crate::trial::Trial;
use crate::{ErasedFixture, Violation};

/// A hundred messages, sent while the peer receives, arrive once and in order.
pub async fn messages_arrive_in_order(fixture: &dyn ErasedFixture) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "messages_arrive_in_order", ORDER);
    let [alice, bob] = trial.session().await?;
    let sending = async {
        for message in 0..100_u32 {
            trial.send(&alice, &bob, &message).await?;
        }
        Ok(())
    };
    let receiving = async {
        for due in 0..100_u32 {
            trial.recv(&bob, &alice, &due).await?;
        }
        Ok(())
    };
    try_join!(sending, receiving).map(drop)
}

/// Labels do not overtake messages, nor messages labels.
pub async fn messages_and_labels_arrive_in_one_order(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "messages_and_labels_arrive_in_one_order", ORDER);
    let [alice, bob] = trial.session().await?;
    let sending = async {
        for round in 0..10_u32 {
            trial.send(&alice, &bob, &round).await?;
            trial
                .choose(&alice, &bob, &format!("round {round}"))
                .await?;
        }
        Ok(())
    };
    let receiving = async {
        trial.look_on().await;
        for round in 0..10_u32 {
            trial.recv(&bob, &alice, &round).await?;
            trial.offer(&bob, &alice, &format!("round {round}")).await?;
        }
        Ok(())
    };
    try_join!(sending, receiving).map(drop)
}

/// Messages that are queued before the peer's first receive all arrive, and so do those queued
/// behind a later one.
pub async fn nothing_is_lost_behind_the_first_receive(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "nothing_is_lost_behind_the_first_receive", ORDER);
    let [alice, bob] = trial.session().await?;
    for batch in 0..3_u32 {
        let messages = batch * 8..batch * 8 + 8;
        let sending = async {
            for message in messages.clone() {
                trial.send(&alice, &bob, &message).await?;
            }
            Ok(())
        };
        let receiving = async {
            // By now they are queued, as many as the queue takes.
            trial.look_on().await;
            for due in messages.clone() {
                trial.recv(&bob, &alice, &due).await?;
            }
            Ok(())
        };
        try_join!(sending, receiving)?;
    }
    Ok(())
}

/// A receive that comes before the send is no error: it waits, for messages and labels alike, and
/// gets what is then sent.
pub async fn a_receive_before_the_send_waits(fixture: &dyn ErasedFixture) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "a_receive_before_the_send_waits", WAITS);
    let [alice, bob] = trial.session().await?;
    let mut receiving = pin!(bob.recv::<u32>(&alice));
    let what = format!("{bob} receiving before {alice} sends");
    trial.waits(&what, receiving.as_mut()).await?;
    // It goes on waiting, now in another task, as far as it can tell.
    let receiving = trial.ok(&what, receiving);
    let sending = async {
        trial.look_on().await;
        trial.send(&alice, &bob, &7_u32).await
    };
    let (received, ()) = try_join!(receiving, sending)?;
    trial.ensure(received == 7, || {
        format!("{what} gave {received}, where 7 was sent")
    })?;

    let offering = trial.offer(&bob, &alice, "late");
    let choosing = async {
        trial.look_on().await;
        trial.choose(&alice, &bob, "late").await
    };
    try_join!(offering, choosing).map(drop)
}

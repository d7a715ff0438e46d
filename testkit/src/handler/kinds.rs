use choreo_core::{ErrorKind, Label};

use crate::promise::KINDS;
use crate::trial::Trial;
use crate::{ErasedFixture, Violation};

/// A label where a message is due is an error of kind `Protocol`, and the next payload is fine.
pub async fn a_label_where_a_message_is_due_is_an_error(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "a_label_where_a_message_is_due_is_an_error", KINDS);
    let [alice, bob] = trial.session().await?;
    trial.choose(&alice, &bob, "accept").await?;
    let what = format!("{bob} receiving a message where {alice} sent a label");
    let receiving = bob.recv::<String>(&alice);
    trial.fails(what, ErrorKind::Protocol, receiving).await?;
    let next = "after the label".to_owned();
    trial.send(&alice, &bob, &next).await?;
    trial.recv(&bob, &alice, &next).await
}

/// A message where a label is due is an error of kind `Protocol`, and the next payload is fine.
pub async fn a_message_where_a_label_is_due_is_an_error(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "a_message_where_a_label_is_due_is_an_error", KINDS);
    let [alice, bob] = trial.session().await?;
    trial.send(&alice, &bob, &"accept").await?;
    let what = format!("{bob} offering a choice where {alice} sent a message");
    let offering = bob.offer::<Label>(&alice);
    trial.fails(what, ErrorKind::Protocol, offering).await?;
    trial.choose(&alice, &bob, "after the message").await?;
    trial.offer(&bob, &alice, "after the message").await
}

/// A `u64` received as a `u16` is an error of kind `Protocol` and not a wrong number, and the next
/// message is fine. So the type's tag has to arrive with the message.
pub async fn a_message_of_another_type_is_an_error(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "a_message_of_another_type_is_an_error", KINDS);
    let [alice, bob] = trial.session().await?;
    trial.send(&alice, &bob, &70_000_u64).await?;
    let what = format!("{bob} receiving a u16 where {alice} sent a u64");
    let receiving = bob.recv::<u16>(&alice);
    trial.fails(what, ErrorKind::Protocol, receiving).await?;
    trial.send(&alice, &bob, &70_001_u64).await?;
    trial.recv(&bob, &alice, &70_001_u64).await?;
    trial.send(&alice, &bob, &7_u16).await?;
    trial.recv(&bob, &alice, &7_u16).await
}

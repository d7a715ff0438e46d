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
    let receiving = bob.recv::<String>(&alice);
    trial
        .fails(
            format_args!("{bob} receiving a message where a label was sent"),
            ErrorKind::Protocol,
            receiving,
        )
        .await?;
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
    let offering = bob.offer::<Label>(&alice);
    trial
        .fails(
            format_args!("{bob} offering where a message was sent"),
            ErrorKind::Protocol,
            offering,
        )
        .await?;
    trial.choose(&alice, &bob, "after the message").await?;
    trial.offer(&bob, &alice, "after the message").await
}

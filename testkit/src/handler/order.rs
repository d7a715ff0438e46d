use futures::try_join;

use crate::promise::ORDER;
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
    try_join!(sending, receiving).map(|_| ())
}

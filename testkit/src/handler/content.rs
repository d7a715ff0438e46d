use std::fmt::Debug;

use futures::try_join;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::promise::CONTENT;
use crate::trial::Trial;
use crate::{ErasedFixture, Peer, Violation};

/// Messages of no bytes at all, and empty texts and lists, are messages as others are.
pub async fn empty_messages_arrive(fixture: &dyn ErasedFixture) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "empty_messages_arrive", CONTENT);
    let [alice, bob] = trial.session().await?;
    pass_on(&trial, &alice, &bob, &()).await?;
    pass_on(&trial, &alice, &bob, &String::new()).await?;
    pass_on(&trial, &alice, &bob, &None::<u32>).await?;
    pass_on(&trial, &alice, &bob, &()).await?;
    pass_on(&trial, &alice, &bob, &"not empty".to_owned()).await
}

/// A message of 1 MiB arrives, each byte of it, and what is behind it too.
pub async fn a_large_message_arrives_whole(fixture: &dyn ErasedFixture) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "a_large_message_arrives_whole", CONTENT);
    let [alice, bob] = trial.session().await?;
    let mut random = fastrand::Rng::with_seed(1);
    let large: String = (0..1 << 20).map(|_| random.lowercase()).collect();
    let what = format!("{alice} sending 1 MiB to {bob}");
    let sending = trial.ok(what, alice.send(&bob, &large));
    let receiving = async {
        let what = format!("{bob} receiving 1 MiB from {alice}");
        let received: String = trial.ok(what, bob.recv(&alice)).await?;
        trial.ensure(received == large, || {
            format!(
                "{bob} received {} bytes of {}, or others",
                received.len(),
                large.len()
            )
        })
    };
    try_join!(sending, receiving)?;
    pass_on(&trial, &alice, &bob, &"behind it".to_owned()).await
}

/// Labels arrive as they were sent: long, empty, with spaces, line breaks, and in any script.
pub async fn labels_arrive_as_they_are(fixture: &dyn ErasedFixture) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "labels_arrive_as_they_are", CONTENT);
    let [alice, bob] = trial.session().await?;
    let long = "long".repeat(2500);
    for label in [
        "accept",
        "Accept",
        "",
        " two\nlines\0",
        "être 選択 🦀",
        &long,
        "accept",
    ] {
        let choosing = trial.choose(&alice, &bob, label);
        let offering = trial.offer(&bob, &alice, label);
        try_join!(choosing, offering)?;
    }
    Ok(())
}

async fn pass_on<M>(trial: &Trial<'_>, from: &Peer, to: &Peer, message: &M) -> Result<(), Violation>
where
    M: Serialize + DeserializeOwned + Debug + PartialEq + Send + Sync,
{
    let sending = trial.send(from, to, message);
    let receiving = trial.recv(to, from, message);
    try_join!(sending, receiving).map(drop)
}

use std::pin::pin;

use choreo_core::runtime;
use futures::try_join;

use super::line::{Line, frame};
use super::{End, TransportFixture};
use crate::Violation;
use crate::promise::DUPLEX;

/// While a receive waits, the same end sends.
pub async fn a_waiting_receive_does_not_block_a_send(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let check = "a_waiting_receive_does_not_block_a_send";
    let line = Line::new(fixture, check, DUPLEX);
    line.both_ways(async |one: End, other: End| {
        let [question, answer] = [frame(1, 10), frame(2, 10)];
        let mut receiving = pin!(line.recv(&one, &answer));
        let what = format!("{one} receiving before its peer sends");
        line.waits(what, receiving.as_mut()).await?;
        // The answer comes only when the question does.
        let asking = line.send(&one, question.clone());
        let answering = async {
            line.recv(&other, &question).await?;
            line.send(&other, answer.clone()).await
        };
        try_join!(receiving, asking, answering).map(drop)
    })
    .await
}

/// While a send waits for room, the same end receives, and so does its peer when it reads at last.
pub async fn a_waiting_send_does_not_block_a_receive(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let check = "a_waiting_send_does_not_block_a_receive";
    let line = Line::new(fixture, check, DUPLEX);
    line.both_ways(async |one: End, other: End| {
        let (sent, waiting) = line.fill(&one).await?;
        for number in 0..3 {
            let back = frame(number, 10);
            line.send(&other, back.clone()).await?;
            line.recv(&one, &back).await?;
        }
        let what = format!("{one}'s send, waiting while its peer reads,");
        let waiting = line.ok(what, waiting);
        let reading = async {
            for due in 0..=sent {
                line.recv(&other, &line.large(due)).await?;
            }
            Ok(())
        };
        try_join!(waiting, reading).map(drop)
    })
    .await
}

/// Both ends send and receive at the same time, frames of all sizes, in a random interleaving that
/// is the same in each run.
pub async fn both_directions_carry_at_once(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    const EACH: u32 = 300;
    let line = Line::new(fixture, "both_directions_carry_at_once", DUPLEX);
    let [near, far] = line.open().await?;
    let sized = |number: u32, seed: u64| {
        let mut random = fastrand::Rng::with_seed(seed << 32 | u64::from(number));
        let most = 1 << random.u32(3..14);
        line.sized(number, random.usize(4..most))
    };
    let sending = async |from: &End, seed: u64| {
        let mut random = fastrand::Rng::with_seed(seed);
        for number in 0..EACH {
            line.send(from, sized(number, seed)).await?;
            if random.u8(0..4) == 0 {
                runtime::yield_now().await;
            }
        }
        Ok(())
    };
    let receiving = async |at: &End, seed: u64| {
        let mut random = fastrand::Rng::with_seed(!seed);
        for number in 0..EACH {
            line.recv(at, &sized(number, seed)).await?;
            if random.u8(0..4) == 0 {
                runtime::yield_now().await;
            }
        }
        Ok(())
    };
    try_join!(
        sending(&near, 1),
        receiving(&far, 1),
        sending(&far, 2),
        receiving(&near, 2),
    )
    .map(drop)
}

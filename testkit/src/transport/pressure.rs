use std::pin::pin;

use futures::try_join;

use super::line::{Line, describe_received, number};
use super::{End, TransportFixture};
use crate::Violation;
use crate::promise::UNDER_WAY;

/// Sends to a peer that reads nothing wait, at the latest when as much is under way as the fixture
/// says.
pub async fn a_full_transport_makes_the_send_wait(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let check = "a_full_transport_makes_the_send_wait";
    let line = Line::new(fixture, check, UNDER_WAY);
    line.both_ways(async |from: End, _to: End| line.fill(&from).await.map(drop))
        .await
}

/// A send that waits for room returns when the peer reads, and nothing of it is lost.
pub async fn a_waiting_send_goes_on_when_the_peer_reads(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let check = "a_waiting_send_goes_on_when_the_peer_reads";
    let line = Line::new(fixture, check, UNDER_WAY);
    line.both_ways(async |from: End, to: End| {
        let (sent, waiting) = line.fill(&from).await?;
        let what = format!("{from}'s send, waiting for room while its peer reads,");
        let waiting = line.ok(what, waiting);
        let reading = async {
            for due in 0..=sent {
                line.recv(&to, &line.large(due)).await?;
            }
            Ok(())
        };
        try_join!(waiting, reading).map(drop)
    })
    .await
}

/// Sends that are dropped while they wait for room do not add to what is under way.
pub async fn dropped_sends_do_not_pile_up(fixture: &dyn TransportFixture) -> Result<(), Violation> {
    const MARK: u32 = u32::MAX;
    let line = Line::new(fixture, "dropped_sends_do_not_pile_up", UNDER_WAY);
    line.both_ways(async |from: End, to: End| {
        let (sent, waiting) = line.fill(&from).await?;
        drop(waiting);
        let bound = fixture.bound();
        for dropped in 0..bound + 8 {
            let large = line.large(sent + 1 + dropped as u32);
            let what = format!("{from} sending to a peer that reads nothing");
            let sending = pin!(from.send(large));
            if let Some(Err(error)) = line.poll_times(&what, 2, sending).await {
                return Err(line.violation(format_args!("{what} failed: {error:?}")));
            }
        }
        let marking = line.send(&from, line.sized(MARK, 8));
        let reading = async {
            let mut frames = 0;
            loop {
                let what = format!("{to} receiving after {from} dropped sends");
                let received = line.ok(&what, to.recv()).await?;
                match received.as_ref().and_then(number) {
                    Some(MARK) => break,
                    Some(_) => frames += 1,
                    None => {
                        let received = describe_received(received.as_ref());
                        return Err(line.violation(format_args!("{what} gave {received}")));
                    }
                }
            }
            // One send may have waited with its frame handed over already.
            line.ensure(frames <= bound + 1, || {
                format!(
                    "{from} had {frames} large frames under way, most of them by sends that were \
                     dropped; the fixture says that the bound is {bound}"
                )
            })
        };
        try_join!(marking, reading).map(drop)
    })
    .await
}

use std::pin::pin;
use std::time::Duration;

use choreo_core::runtime;
use futures::future::{Either, select};

use crate::promise::{RECV_CANCEL, SEND_CANCEL};
use crate::trial::Trial;
use crate::{ErasedFixture, Peer, Violation};

/// A receive under a time limit that passes: the next receive gets the message.
pub async fn a_receive_under_a_timeout_loses_nothing(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let trial = Trial::new(
        fixture,
        "a_receive_under_a_timeout_loses_nothing",
        RECV_CANCEL,
    );
    let [alice, bob] = trial.session().await?;
    for message in 0..3_u32 {
        let limited = runtime::timeout(Duration::from_millis(2), bob.recv::<u32>(&alice));
        let what = format!("{bob} receiving within 2 ms, before {alice} sends,");
        let limited = trial.within(&what, limited).await?;
        trial.ensure(limited.is_err(), || {
            format!("{what} did not wait: {limited:?}")
        })?;
        trial.send(&alice, &bob, &message).await?;
        trial.recv(&bob, &alice, &message).await?;
    }
    Ok(())
}

/// A receive that is dropped after any number of polls, before and while the message comes: the
/// next receive gets it.
pub async fn a_dropped_receive_loses_nothing(fixture: &dyn ErasedFixture) -> Result<(), Violation> {
    let trial = Trial::new(fixture, "a_dropped_receive_loses_nothing", RECV_CANCEL);
    let [alice, bob] = trial.session().await?;
    for polls in 0..12 {
        let before = 2 * polls as u32;
        // Already there when the receive is polled.
        trial.send(&alice, &bob, &before).await?;
        recv_at_last(&trial, &bob, &alice, polls, before).await?;
        // Comes between two polls.
        let during = before + 1;
        let received = {
            let mut receiving = pin!(bob.recv::<u32>(&alice));
            let what = format!("{bob} receiving what {alice} has not sent yet");
            let early = trial.poll_times(&what, 1, receiving.as_mut()).await;
            trial.ensure(early.is_none(), || {
                format!("{bob} received {early:?} where {alice} had sent nothing more")
            })?;
            trial.send(&alice, &bob, &during).await?;
            trial.poll_times(&what, polls, receiving).await
        };
        match received {
            Some(received) => accept(&trial, &bob, &received, during)?,
            None => trial.recv(&bob, &alice, &during).await?,
        }
    }
    Ok(())
}

/// Receives, giving up each time after a few polls, and the last time not at all.
async fn recv_at_last(
    trial: &Trial<'_>,
    at: &Peer,
    from: &Peer,
    polls: usize,
    due: u32,
) -> Result<(), Violation> {
    for _ in 0..2 {
        let receiving = pin!(at.recv::<u32>(from));
        let what = format!("{at} receiving {due} from {from}");
        if let Some(received) = trial.poll_times(what, polls, receiving).await {
            return accept(trial, at, &received, due);
        }
    }
    trial.recv(at, from, &due).await
}

fn accept(
    trial: &Trial<'_>,
    at: &Peer,
    received: &choreo_core::Result<u32>,
    due: u32,
) -> Result<(), Violation> {
    trial.ensure(matches!(received, Ok(message) if *message == due), || {
        format!("{at} received {received:?} where {due} was due, after receives that were dropped")
    })
}

/// Receives from two peers at once, of which one is dropped each time that the other is faster:
/// everything arrives, in order.
pub async fn a_receive_that_loses_a_select_loses_nothing(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    const EACH: u32 = 50;
    let check = "a_receive_that_loses_a_select_loses_nothing";
    let trial = Trial::new(fixture, check, RECV_CANCEL);
    let [alice, bob, carol] = trial.session().await?;
    let sending = async |from: &Peer| {
        for message in 0..EACH {
            trial.send(from, &alice, &message).await?;
            if message % 3 == 0 {
                runtime::yield_now().await;
            }
        }
        Ok(())
    };
    let receiving = async {
        let peers = [&bob, &carol];
        let mut due = [0, 0];
        // Whom it asks first changes.
        let mut first = 0;
        while due.iter().all(|due| *due < EACH) {
            let second = 1 - first;
            let [from_first, from_second] =
                [first, second].map(|peer| alice.recv::<u32>(peers[peer]));
            let both = async {
                match select(pin!(from_first), pin!(from_second)).await {
                    Either::Left((received, _)) => (first, received),
                    Either::Right((received, _)) => (second, received),
                }
            };
            let what = format!(
                "{alice} receiving {} from {bob} or {} from {carol}",
                due[0], due[1]
            );
            let (peer, received) = trial.within(what, both).await?;
            accept(&trial, &alice, &received, due[peer])?;
            due[peer] += 1;
            first = second;
        }
        for (peer, due) in peers.into_iter().zip(due) {
            for due in due..EACH {
                trial.recv(&alice, peer, &due).await?;
            }
        }
        Ok(())
    };
    futures::try_join!(sending(&bob), sending(&carol), receiving).map(drop)
}

/// A send that is dropped after any number of polls: the message arrives wholly, before the next
/// one, or not at all.
pub async fn a_dropped_send_is_sent_wholly_or_not_at_all(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    let check = "a_dropped_send_is_sent_wholly_or_not_at_all";
    let trial = Trial::new(fixture, check, SEND_CANCEL);
    let [alice, bob] = trial.session().await?;
    for polls in 0..12 {
        let [dropped, next] =
            [2 * polls as u32, 2 * polls as u32 + 1].map(|number| bulky(number, 3_000));
        let sent = {
            let sending = pin!(alice.send(&bob, &dropped));
            let what = format!("{alice} sending to {bob}");
            trial.poll_times(what, polls, sending).await
        };
        if let Some(Err(error)) = &sent {
            let happened = format_args!("{alice} sending to {bob} failed: {error:?}");
            return Err(trial.violation(happened));
        }
        let sending = trial.ok(
            format!("{alice} sending to {bob} again"),
            alice.send(&bob, &next),
        );
        let receiving = async {
            let receiving = || bob.recv::<Bulky>(&alice);
            let what = format!("{bob} receiving after {alice} dropped a send");
            let first = trial.ok(&what, receiving()).await?;
            if first == dropped {
                let second = trial.ok(&what, receiving()).await?;
                return expect_next(&trial, &bob, &second, &next);
            }
            trial.ensure(sent.is_none(), || {
                format!("{bob} did not receive a message that {alice} had sent wholly")
            })?;
            expect_next(&trial, &bob, &first, &next)
        };
        futures::try_join!(sending, receiving)?;
    }
    large_sends_dropped(&trial, &alice, &bob).await
}

/// The same with messages that overflow any buffer below, a socket's too: what fits into one goes
/// out at once, however it is written.
async fn large_sends_dropped(trial: &Trial<'_>, from: &Peer, to: &Peer) -> Result<(), Violation> {
    const LARGE: usize = 1 << 20;
    const LAST: u32 = u32::MAX;
    let mut sent = Vec::new();
    for number in 0..=trial.settings.queue_bound.min(16) as u32 {
        let message = bulky(number, LARGE);
        let what = format!("{from} sending 1 MiB to {to}");
        let sending = pin!(from.send(to, &message));
        match trial.poll_times(&what, 3, sending).await {
            Some(Ok(())) => sent.push(number),
            Some(Err(error)) => {
                return Err(trial.violation(format_args!("{what} failed: {error:?}")));
            }
            None => {}
        }
    }
    let (what, last) = (format!("{from} sending to {to} after that"), bulky(LAST, 0));
    let sending = trial.ok(what, from.send(to, &last));
    let receiving = async {
        let what = format!("{to} receiving after {from} dropped sends of 1 MiB");
        let mut received = Vec::new();
        loop {
            let (number, text): Bulky = trial.ok(&what, to.recv(from)).await?;
            if number == LAST {
                break;
            }
            trial.ensure(
                text.len() == LARGE && received.last() < Some(&number),
                || {
                    format!(
                        "{what}: message {number} of {} bytes behind {received:?}",
                        text.len()
                    )
                },
            )?;
            received.push(number);
        }
        let lost = sent.iter().find(|number| !received.contains(number));
        trial.ensure(lost.is_none(), || {
            format!("{what}: {sent:?} were sent, {received:?} came")
        })
    };
    futures::try_join!(sending, receiving).map(drop)
}

/// A message that a handler may be tempted to send in pieces.
type Bulky = (u32, String);

fn bulky(number: u32, length: usize) -> Bulky {
    (number, "x".repeat(length))
}

fn expect_next(
    trial: &Trial<'_>,
    at: &Peer,
    received: &Bulky,
    due: &Bulky,
) -> Result<(), Violation> {
    trial.ensure(received == due, || {
        format!(
            "{at} received message {} where {} was due, after a send that was dropped",
            received.0, due.0
        )
    })
}

/// A send that is dropped while it waits at a full queue: the message arrives wholly, in its
/// place, or not at all; and the queue works on.
pub async fn a_send_dropped_at_a_full_queue_is_sent_wholly_or_not_at_all(
    fixture: &dyn ErasedFixture,
) -> Result<(), Violation> {
    const MARK: u32 = u32::MAX;
    let check = "a_send_dropped_at_a_full_queue_is_sent_wholly_or_not_at_all";
    let trial = Trial::new(fixture, check, SEND_CANCEL);
    let [alice, bob] = trial.session().await?;
    for _ in 0..3 {
        let (sent, waiting) = trial.fill(&alice, &bob).await?;
        drop(waiting);
        let marking = trial.send(&alice, &bob, &MARK);
        let reading = async {
            for due in 0..sent {
                trial.recv(&bob, &alice, &due).await?;
            }
            let what = format!("{bob} receiving after {alice} dropped a waiting send");
            let next: u32 = trial.ok(what, bob.recv(&alice)).await?;
            if next == sent {
                return trial.recv(&bob, &alice, &MARK).await;
            }
            trial.ensure(next == MARK, || {
                format!("{bob} received {next} after {sent} messages and a waiting send dropped")
            })
        };
        futures::try_join!(marking, reading)?;
    }
    Ok(())
}

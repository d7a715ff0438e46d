use std::pin::pin;
use std::time::Duration;

use choreo_core::{Bytes, runtime};
use futures::try_join;

use super::line::{Line, describe, describe_received, frame, number};
use super::{End, TransportFixture};
use crate::Violation;
use crate::promise::{FRAME_RECV_CANCEL, FRAME_SEND_CANCEL};

/// A receive under a time limit that passes: the next receive gets the frame.
pub async fn a_receive_under_a_timeout_loses_nothing(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let check = "a_receive_under_a_timeout_loses_nothing";
    let line = Line::new(fixture, check, FRAME_RECV_CANCEL);
    line.both_ways(async |from: End, to: End| {
        for number in 0..3 {
            let limited = runtime::timeout(Duration::from_millis(2), to.recv());
            let what = format!("{to} receiving within 2 ms, before its peer sends,");
            let limited = line.within(&what, limited).await?;
            line.ensure(limited.is_err(), || {
                format!("{what} did not wait: {limited:?}")
            })?;
            let frame = frame(number, 10);
            line.send(&from, frame.clone()).await?;
            line.recv(&to, &frame).await?;
        }
        Ok(())
    })
    .await
}

/// A receive that is dropped after any number of polls, before and while the frame comes: the next
/// receive gets it.
pub async fn a_dropped_receive_loses_nothing(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let line = Line::new(
        fixture,
        "a_dropped_receive_loses_nothing",
        FRAME_RECV_CANCEL,
    );
    line.both_ways(async |from: End, to: End| {
        for (polls, length) in (0..12).zip([10, 3_000, 60_000].into_iter().cycle()) {
            // Already there when the receive is polled.
            let before = line.sized(2 * polls, length);
            // Small enough to be sent while nobody reads.
            let during = frame(2 * polls + 1, 10);
            let polls = polls as usize;
            let sending = line.send(&from, before.clone());
            let receiving = recv_at_last(&line, &to, polls, &before);
            try_join!(sending, receiving)?;
            // Comes between two polls.
            let received = {
                let mut receiving = pin!(to.recv());
                let what = format!("{to} receiving what its peer has not sent yet");
                let early = line.poll_times(&what, 1, receiving.as_mut()).await;
                line.ensure(early.is_none(), || {
                    format!("{to} received {early:?} where its peer had sent nothing more")
                })?;
                line.send(&from, during.clone()).await?;
                line.poll_times(&what, polls, receiving).await
            };
            match received {
                Some(received) => accept(&line, &to, &received, &during)?,
                None => line.recv(&to, &during).await?,
            }
        }
        Ok(())
    })
    .await
}

/// Receives, giving up each time after a few polls, and the last time not at all.
async fn recv_at_last(
    line: &Line<'_>,
    at: &End,
    polls: usize,
    due: &Bytes,
) -> Result<(), Violation> {
    for _ in 0..3 {
        let receiving = pin!(at.recv());
        let what = format!("{at} receiving {}", describe(due));
        if let Some(received) = line.poll_times(what, polls, receiving).await {
            return accept(line, at, &received, due);
        }
    }
    line.recv(at, due).await
}

fn accept(
    line: &Line<'_>,
    at: &End,
    received: &choreo_core::Result<Option<Bytes>>,
    due: &Bytes,
) -> Result<(), Violation> {
    match received {
        Ok(received) => line.expect(at, received.as_ref(), due),
        Err(error) => Err(line.violation(format_args!(
            "{at} receiving {} failed, after receives that were dropped: {error:?}",
            describe(due)
        ))),
    }
}

/// A send that is dropped after any number of polls: the frame arrives wholly, before the next one,
/// or not at all.
pub async fn a_dropped_send_is_sent_wholly_or_not_at_all(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let check = "a_dropped_send_is_sent_wholly_or_not_at_all";
    let line = Line::new(fixture, check, FRAME_SEND_CANCEL);
    line.both_ways(async |from: End, to: End| {
        for (polls, length) in (0..12).zip([3_000, 60_000].into_iter().cycle()) {
            let [dropped, next] = [2 * polls, 2 * polls + 1].map(|n| line.sized(n, length));
            let sent = {
                let sending = pin!(from.send(dropped.clone()));
                let what = format!("{from} sending {}", describe(&dropped));
                line.poll_times(what, polls as usize, sending).await
            };
            if let Some(Err(error)) = &sent {
                return Err(line.violation(format_args!("{from} sending failed: {error:?}")));
            }
            let sending = line.send(&from, next.clone());
            let receiving = async {
                let what = format!("{to} receiving after {from} dropped a send");
                let first = line.ok(&what, to.recv()).await?;
                if first.as_ref() == Some(&dropped) {
                    return line.recv(&to, &next).await;
                }
                line.ensure(sent.is_none(), || {
                    format!(
                        "{to} received {} where {} was due, whose send had returned",
                        describe_received(first.as_ref()),
                        describe(&dropped)
                    )
                })?;
                line.expect(&to, first.as_ref(), &next)
            };
            try_join!(sending, receiving)?;
        }
        Ok(())
    })
    .await
}

/// Sends of the largest frames that are dropped while they wait for room, whether they had begun or
/// not: each arrives wholly, in its place, or not at all; and the transport works on.
pub async fn a_send_dropped_when_full_is_sent_wholly_or_not_at_all(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    const MARK: u32 = u32::MAX;
    let check = "a_send_dropped_when_full_is_sent_wholly_or_not_at_all";
    let line = Line::new(fixture, check, FRAME_SEND_CANCEL);
    line.both_ways(async |from: End, to: End| {
        for _ in 0..3 {
            let (sent, waiting) = line.fill(&from).await?;
            drop(waiting);
            for dropped in 1..3 {
                let sending = pin!(from.send(line.large(sent + dropped)));
                line.poll_times("sending", 2, sending).await;
            }
            let mark = line.sized(MARK, 8);
            let marking = line.send(&from, mark.clone());
            let reading = async {
                for due in 0..sent {
                    line.recv(&to, &line.large(due)).await?;
                }
                let mut last = None;
                loop {
                    let what = format!("{to} receiving after {from} dropped waiting sends");
                    let received = line.ok(&what, to.recv()).await?;
                    let found = received.as_ref().and_then(number);
                    if found == Some(MARK) {
                        return line.expect(&to, received.as_ref(), &mark);
                    }
                    let is_whole = found.is_some_and(|number| {
                        (sent..sent + 3).contains(&number)
                            && last < Some(number)
                            && received == Some(line.large(number))
                    });
                    line.ensure(is_whole, || {
                        let received = describe_received(received.as_ref());
                        format!("{what} gave {received}, after {sent} frames")
                    })?;
                    last = found;
                }
            };
            try_join!(marking, reading)?;
        }
        Ok(())
    })
    .await
}

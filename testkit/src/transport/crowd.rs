use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use choreo_core::{Bytes, Transport, runtime};
use futures::FutureExt;

use super::line::{Line, describe_received, frame, number};
use super::{End, TransportFixture};
use crate::promise::SENDERS;
use crate::{Violation, platform};

/// Frames of several tasks (natively on several threads), sent at one end at the same time, arrive
/// each whole, and those of one task in order.
pub async fn frames_of_many_senders_do_not_mix(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    const TASKS: u32 = 4;
    const EACH: u32 = 50;
    let line = Line::new(fixture, "frames_of_many_senders_do_not_mix", SENDERS);
    let largest = fixture.largest_frame();
    line.both_ways(async |from: End, to: End| {
        let (from, to) = (Arc::from(from.transport), Arc::from(to.transport));
        let senders = (0..TASKS).map(|task| {
            let from: Arc<dyn Transport> = Arc::clone(&from);
            async move {
                for index in 0..EACH {
                    let frame = of_task(task * EACH + index, largest);
                    let sent = from.send(frame).await;
                    sent.map_err(|error| format!("a send among many failed: {error:?}"))?;
                    if index % 3 == 0 {
                        runtime::yield_now().await;
                    }
                }
                Ok(())
            }
            .boxed()
        });
        let received = Arc::new(AtomicU32::new(0));
        let receiver = {
            let to: Arc<dyn Transport> = Arc::clone(&to);
            let received = Arc::clone(&received);
            async move {
                let mut due = [0; TASKS as usize];
                while received.load(Relaxed) < TASKS * EACH {
                    let frame = to.recv().await;
                    let frame = frame.map_err(|error| format!("a receive failed: {error:?}"))?;
                    let found = frame.as_ref().and_then(number).unwrap_or(u32::MAX);
                    let next = due.get_mut((found / EACH) as usize);
                    match next {
                        Some(next)
                            if *next == found % EACH
                                && frame.as_ref() == Some(&of_task(found, largest)) =>
                        {
                            *next += 1;
                        }
                        _ => {
                            let frame = describe_received(frame.as_ref());
                            return Err(format!(
                                "{frame} was received, where the next ones of {TASKS} tasks that \
                                 send {EACH} frames each are their {due:?}"
                            ));
                        }
                    }
                    received.fetch_add(1, Relaxed);
                }
                Ok(())
            }
            .boxed()
        };
        let tasks = senders.chain([receiver]).collect();
        let what = format!("sending {} frames by {TASKS} tasks", TASKS * EACH);
        let finished = line.within(what, platform::side_by_side(tasks)).await?;
        finished.map_err(|happened| line.violation(happened))
    })
    .await
}

/// Frame of that number: neighbours differ much in size.
fn of_task(number: u32, largest: usize) -> Bytes {
    let length = [4, 10_000, 200, 60_000, 40][number as usize % 5];
    frame(number, largest.min(length))
}

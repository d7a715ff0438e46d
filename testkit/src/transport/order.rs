use std::pin::pin;

use futures::try_join;

use super::line::{Line, frame};
use super::{End, TransportFixture};
use crate::Violation;
use crate::promise::{FRAME_HANDED_OVER, FRAME_WAITS, FRAMES};

/// A hundred frames, sent while the peer receives, arrive once and in order.
pub async fn frames_arrive_in_order(fixture: &dyn TransportFixture) -> Result<(), Violation> {
    let line = Line::new(fixture, "frames_arrive_in_order", FRAMES);
    line.both_ways(async |from: End, to: End| {
        let frames = || (0..100).map(|number| line.sized(number, 8 + number as usize));
        let sending = async {
            for frame in frames() {
                line.send(&from, frame).await?;
            }
            Ok(())
        };
        let receiving = async {
            for due in frames() {
                line.recv(&to, &due).await?;
            }
            Ok(())
        };
        try_join!(sending, receiving).map(drop)
    })
    .await
}

/// A receive that comes before the send is no error: it waits, and gets what is then sent.
pub async fn a_receive_before_the_send_waits(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let line = Line::new(fixture, "a_receive_before_the_send_waits", FRAME_WAITS);
    line.both_ways(async |from: End, to: End| {
        for number in 0..2 {
            let due = frame(number, 10);
            let mut receiving = pin!(to.recv());
            let what = format!("{to} receiving before its peer sends");
            line.waits(&what, receiving.as_mut()).await?;
            // It goes on waiting, now in another task, as far as it can tell.
            let receiving = line.ok(&what, receiving);
            let sending = async {
                line.look_on().await;
                line.send(&from, due.clone()).await
            };
            let (received, ()) = try_join!(receiving, sending)?;
            line.expect(&to, received.as_ref(), &due)?;
        }
        Ok(())
    })
    .await
}

/// A send returns when the frame is handed over, though nobody reads it yet.
pub async fn a_send_does_not_wait_for_the_reader(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let check = "a_send_does_not_wait_for_the_reader";
    let line = Line::new(fixture, check, FRAME_HANDED_OVER);
    line.both_ways(async |from: End, to: End| {
        let frame = frame(1, 10);
        line.send(&from, frame.clone()).await?;
        line.recv(&to, &frame).await
    })
    .await
}

use std::pin::pin;

use choreo_core::ErrorKind;
use futures::try_join;

use super::line::{Line, describe_received, frame};
use super::{End, TransportFixture};
use crate::Violation;
use crate::promise::{
    CLOSE_AGAIN, CLOSE_ENDS_SENDS, CLOSE_KEEPS_RECEIVING, DROPPED, END, SEND_CLOSED,
};

/// What was sent before the close is received, and then `None`.
pub async fn what_was_sent_arrives_before_the_end(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    const FRAMES: u32 = 20;
    let line = Line::new(fixture, "what_was_sent_arrives_before_the_end", END);
    line.both_ways(async |from: End, to: End| {
        let sized = |number| line.sized(number, 4 + number as usize * 2_000);
        let sending = async {
            for number in 0..FRAMES {
                line.send(&from, sized(number)).await?;
            }
            line.close(&from).await
        };
        let receiving = async {
            // By now it is closed, unless the transport does not take as much.
            line.look_on().await;
            for due in 0..FRAMES {
                line.recv(&to, &sized(due)).await?;
            }
            line.end(&to).await
        };
        try_join!(sending, receiving).map(drop)
    })
    .await
}

/// After the end, each further receive gives `None` again, and none hangs.
pub async fn the_end_comes_as_often_as_asked(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let line = Line::new(fixture, "the_end_comes_as_often_as_asked", END);
    line.both_ways(async |from: End, to: End| {
        let ending = async {
            for _ in 0..3 {
                line.end(&to).await?;
            }
            Ok(())
        };
        try_join!(line.close(&from), ending).map(drop)
    })
    .await
}

/// A receive that waits when the peer closes ends with `None`.
pub async fn a_waiting_receive_learns_of_the_close(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let line = Line::new(fixture, "a_waiting_receive_learns_of_the_close", END);
    line.both_ways(async |from: End, to: End| {
        let mut receiving = pin!(line.end(&to));
        let what = format!("{to} receiving before its peer closes");
        line.waits(what, receiving.as_mut()).await?;
        try_join!(line.close(&from), receiving).map(drop)
    })
    .await
}

/// To close again is no error, before and after the peer has closed too.
pub async fn closing_twice_is_no_error(fixture: &dyn TransportFixture) -> Result<(), Violation> {
    let line = Line::new(fixture, "closing_twice_is_no_error", CLOSE_AGAIN);
    line.both_ways(async |from: End, to: End| {
        let closing = async {
            line.close(&from).await?;
            line.close(&from).await
        };
        try_join!(closing, line.end(&to))?;
        try_join!(line.close(&to), line.end(&from))?;
        line.close(&from).await?;
        line.close(&to).await
    })
    .await
}

/// A send after the own close is an error of kind `Closed`, and reaches nobody.
pub async fn a_send_after_closing_is_an_error(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let line = Line::new(fixture, "a_send_after_closing_is_an_error", SEND_CLOSED);
    line.both_ways(async |from: End, to: End| {
        let closing = async {
            line.close(&from).await?;
            for _ in 0..2 {
                let what = format!("{from} sending after it has closed");
                let sending = from.send(frame(1, 10));
                line.fails(what, ErrorKind::Closed, sending).await?;
            }
            Ok(())
        };
        try_join!(closing, line.end(&to)).map(drop)
    })
    .await
}

/// A send after the peer has closed, which a receive has told, is an error of kind `Closed`.
pub async fn a_send_to_a_closed_peer_is_an_error(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let line = Line::new(fixture, "a_send_to_a_closed_peer_is_an_error", SEND_CLOSED);
    line.both_ways(async |from: End, to: End| {
        try_join!(line.close(&from), line.end(&to))?;
        for _ in 0..2 {
            let what = format!("{to} sending after it learnt that its peer has closed");
            let sending = to.send(frame(1, 10));
            line.fails(what, ErrorKind::Closed, sending).await?;
        }
        Ok(())
    })
    .await
}

/// What the peer sent before it learnt of the close can be received after it; then, when the peer
/// has closed too, comes `None`.
pub async fn a_receive_after_closing_gives_what_the_peer_sent(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let check = "a_receive_after_closing_gives_what_the_peer_sent";
    let line = Line::new(fixture, check, CLOSE_KEEPS_RECEIVING);
    let frames = few(fixture);
    line.both_ways(async |one: End, other: End| {
        for number in 0..frames {
            line.send(&other, frame(number, 10)).await?;
        }
        // By now they have arrived, though nobody has received them.
        line.look_on().await;
        let at_one = async {
            line.close(&one).await?;
            for due in 0..frames {
                line.recv(&one, &frame(due, 10)).await?;
            }
            for _ in 0..2 {
                line.end(&one).await?;
            }
            Ok(())
        };
        let at_other = async {
            line.end(&other).await?;
            line.close(&other).await
        };
        try_join!(at_one, at_other).map(drop)
    })
    .await
}

/// A receive that waits when its own end closes ends with `None`, at the latest when the peer has
/// closed too.
pub async fn a_waiting_receive_ends_after_closing(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let check = "a_waiting_receive_ends_after_closing";
    let line = Line::new(fixture, check, CLOSE_KEEPS_RECEIVING);
    line.both_ways(async |one: End, other: End| {
        let mut receiving = pin!(line.end(&one));
        let what = format!("{one} receiving before it closes");
        line.waits(what, receiving.as_mut()).await?;
        let at_other = async {
            line.end(&other).await?;
            line.close(&other).await
        };
        try_join!(line.close(&one), receiving, at_other).map(drop)
    })
    .await
}

/// A send that waits for room when its own end closes does not wait for ever: it ends as `Closed`,
/// or well, and then its frame arrives. All that was sent before arrives in any case.
pub async fn a_waiting_send_ends_after_closing(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let check = "a_waiting_send_ends_after_closing";
    let line = Line::new(fixture, check, CLOSE_ENDS_SENDS);
    line.both_ways(async |from: End, to: End| {
        let (sent, waiting) = line.fill(&from).await?;
        let what = format!("{from}'s send, waiting for room when {from} closes,");
        let sending = async {
            match line.within(&what, waiting).await? {
                Ok(()) => Ok(true),
                Err(error) if error.kind() == ErrorKind::Closed => Ok(false),
                Err(error) => Err(line.violation(format_args!(
                    "{what} failed with {error:?}, where an error of kind Closed was due"
                ))),
            }
        };
        let closing = line.close(&from);
        let reading = async {
            line.look_on().await;
            for due in 0..sent {
                line.recv(&to, &line.large(due)).await?;
            }
            let what = format!("{to} receiving after {from} closed with a send that waited");
            let last = line.ok(what, to.recv()).await?;
            if last.is_some() {
                line.expect(&to, last.as_ref(), &line.large(sent))?;
                line.end(&to).await?;
            }
            Ok(last.is_some())
        };
        let (was_sent, (), arrived) = try_join!(sending, closing, reading)?;
        line.ensure(arrived || !was_sent, || {
            format!("{what} returned as sent, and {to} did not receive it")
        })
    })
    .await
}

/// An end that is dropped without a close ends what its peer waits for: the receive with `None` or
/// an error, after no more than was sent, and then a send is an error too.
pub async fn a_dropped_end_is_noticed(fixture: &dyn TransportFixture) -> Result<(), Violation> {
    let line = Line::new(fixture, "a_dropped_end_is_noticed", DROPPED);
    let frames = few(fixture);
    line.both_ways(async |from: End, to: End| {
        for number in 0..frames {
            line.send(&from, frame(number, 10)).await?;
        }
        line.recv(&to, &frame(0, 10)).await?;
        drop(from);
        let what = format!("{to} receiving after its peer was dropped");
        let mut due = 1;
        while let Ok(Some(received)) = line.within(&what, to.recv()).await? {
            line.ensure(due < frames && received == frame(due, 10), || {
                format!("{what} gave {}", describe_received(Some(&received)))
            })?;
            due += 1;
        }
        // And again.
        let received = line.within(&what, to.recv()).await?;
        line.ensure(!matches!(received, Ok(Some(_))), || {
            format!("{what}, and after it was told so, gave {received:?}")
        })?;
        let what = format!("{to} sending after it learnt that its peer was dropped");
        let sent = line.within(&what, to.send(frame(1, 10))).await?;
        line.ensure(sent.is_err(), || format!("{what} succeeded"))
    })
    .await
}

/// A receive that waits when the peer is dropped ends, with `None` or an error.
pub async fn a_waiting_receive_ends_when_the_peer_is_dropped(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let check = "a_waiting_receive_ends_when_the_peer_is_dropped";
    let line = Line::new(fixture, check, DROPPED);
    line.both_ways(async |from: End, to: End| {
        let mut receiving = pin!(to.recv());
        let what = format!("{to}'s receive, waiting when its peer is dropped,");
        line.waits(&what, receiving.as_mut()).await?;
        drop(from);
        let received = line.within(&what, receiving).await?;
        line.ensure(!matches!(received, Ok(Some(_))), || {
            format!("{what} gave {received:?}")
        })
    })
    .await
}

/// A send that waits for room when the peer is dropped ends, and soon each further one is an error.
pub async fn a_waiting_send_ends_when_the_peer_is_dropped(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let check = "a_waiting_send_ends_when_the_peer_is_dropped";
    let line = Line::new(fixture, check, DROPPED);
    line.both_ways(async |from: End, to: End| {
        let (_, waiting) = line.fill(&from).await?;
        drop(to);
        let what = format!("{from}'s send, waiting for room when its peer is dropped,");
        let _sent_or_not = line.within(&what, waiting).await?;
        let what = format!("{from} sending after its peer was dropped");
        for _ in 0..=fixture.bound() {
            if line.within(&what, from.send(line.large(1))).await?.is_err() {
                return Ok(());
            }
        }
        Err(line.violation(format_args!("{what} succeeds again and again")))
    })
    .await
}

/// How many frames to send while nobody reads.
fn few(fixture: &dyn TransportFixture) -> u32 {
    fixture.bound().min(3) as u32
}

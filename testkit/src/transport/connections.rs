use std::pin::pin;

use choreo_core::runtime;
use futures::future::{join, try_join_all};
use futures::try_join;

use super::line::{Line, describe_received, frame};
use super::{End, TransportFixture};
use crate::Violation;
use crate::promise::{CONNECT, CONNECT_AGAIN, CONNECT_CANCEL};

/// Two connections at the same time: nothing passes from one to the other.
pub async fn two_connections_do_not_mix(fixture: &dyn TransportFixture) -> Result<(), Violation> {
    let line = Line::new(fixture, "two_connections_do_not_mix", CONNECT);
    let [near_1, far_1] = line.open().await?;
    let [near_2, far_2] = line.open().await?;
    for round in 0..3 {
        let [one, two, three, four] = [0, 1, 2, 3].map(|n| frame(4 * round + n, 10));
        line.send(&near_2, two.clone()).await?;
        line.send(&near_1, one.clone()).await?;
        line.send(&far_1, three.clone()).await?;
        line.send(&far_2, four.clone()).await?;
        line.recv(&far_1, &one).await?;
        line.recv(&far_2, &two).await?;
        line.recv(&near_1, &three).await?;
        line.recv(&near_2, &four).await?;
    }
    Ok(())
}

/// When one connection closes, and another is dropped, the others go on.
pub async fn a_closed_connection_leaves_the_others_alone(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let check = "a_closed_connection_leaves_the_others_alone";
    let line = Line::new(fixture, check, CONNECT);
    let [near_1, far_1] = line.open().await?;
    let [near_2, far_2] = line.open().await?;
    let third = line.open().await?;
    let mut receiving = pin!(line.end(&far_2));
    let what = format!("{far_2} receiving, on a connection that is open,");
    try_join!(line.close(&near_1), line.end(&far_1))?;
    drop(third);
    line.waits(what, receiving.as_mut()).await?;
    line.send(&far_2, frame(1, 10)).await?;
    line.recv(&near_2, &frame(1, 10)).await?;
    try_join!(line.close(&near_2), receiving).map(drop)
}

/// Many connections, all open, all in use at once.
pub async fn many_connections_at_once(fixture: &dyn TransportFixture) -> Result<(), Violation> {
    const CONNECTIONS: u32 = 32;
    let line = Line::new(fixture, "many_connections_at_once", CONNECT);
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(line.open().await?);
    }
    let rounds = connections.iter().zip(0..).map(async |([near, far], id)| {
        for round in 0..5 {
            let [there, back] = [0, 1].map(|way| frame(id * 100 + 2 * round + way, 100));
            try_join!(line.send(near, there.clone()), line.recv(far, &there))?;
            try_join!(line.send(far, back.clone()), line.recv(near, &back))?;
        }
        Ok(())
    });
    try_join_all(rounds).await.map(drop)
}

/// After a connection was closed, and after one was dropped, another one can be opened.
pub async fn a_connection_can_be_opened_again(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let line = Line::new(fixture, "a_connection_can_be_opened_again", CONNECT_AGAIN);
    for round in 0..3 {
        let [near, far] = line.open().await?;
        works(&line, &near, &far, round).await?;
        if round % 2 == 0 {
            try_join!(line.close(&near), line.end(&far))?;
        }
    }
    Ok(())
}

/// A connect that is dropped after any number of polls leaves no connection open: whoever accepts
/// it learns that nobody is there. And the next connect works.
pub async fn a_dropped_connect_leaves_nothing_open(
    fixture: &dyn TransportFixture,
) -> Result<(), Violation> {
    let check = "a_dropped_connect_leaves_nothing_open";
    let line = Line::new(fixture, check, CONNECT_CANCEL);
    // Of those who connect, each can be refused once.
    let (connects, mut refused) = (8, 0);
    for polls in 0..connects {
        let connecting = async {
            let connecting = pin!(fixture.connect());
            let connected = line.poll_times("connecting", polls, connecting).await;
            // Where it was handed out, it is dropped by who has it.
            drop(connected);
        };
        let accepting = async || runtime::timeout(line.patience, fixture.accept()).await;
        let ((), mut accepted) = join(connecting, accepting()).await;
        while let Ok(end) = accepted {
            match end {
                Ok(end) => {
                    let end = End::accepting(end);
                    let what = format!("{end} receiving, where the connect was dropped,");
                    let received = line.within(&what, end.recv()).await?;
                    line.ensure(!matches!(received, Ok(Some(_))), || {
                        let received = received.ok().flatten();
                        format!("{what} gave {}", describe_received(received.as_ref()))
                    })?;
                }
                // One that cannot even be accepted was not left open.
                Err(error) => {
                    refused += 1;
                    line.ensure(refused <= connects, || {
                        format!("accepting failed more often than anybody connected: {error}")
                    })?;
                }
            }
            accepted = line.within("accepting", accepting()).await?;
        }
    }
    let first = frame(0, 10);
    let connecting = async {
        let near = End::connecting(line.ok("connecting again", fixture.connect()).await?);
        line.send(&near, first.clone()).await?;
        Ok(near)
    };
    let accepting = async {
        loop {
            let far = End::accepting(line.ok("accepting again", fixture.accept()).await?);
            let what = format!("{far} receiving, where the next connect succeeded,");
            match line.within(&what, far.recv()).await? {
                // One of those that were dropped: it was long on its way.
                Ok(None) | Err(_) => {}
                Ok(received) => return line.expect(&far, received.as_ref(), &first).map(|()| far),
            }
        }
    };
    let (near, far) = try_join!(connecting, accepting)?;
    works(&line, &near, &far, 1).await
}

async fn works(line: &Line<'_>, near: &End, far: &End, number: u32) -> Result<(), Violation> {
    let frame = frame(number, 10);
    line.send(near, frame.clone()).await?;
    line.recv(far, &frame).await?;
    line.send(far, frame.clone()).await?;
    line.recv(near, &frame).await
}

use std::pin::pin;
use std::time::Duration;

use super::bench::{Bench, message};
use crate::promise::{ONE_CALL, RECV_CANCEL};
use crate::{LayerUnderTest, Violation, probe};

/// While a receive waits, it is the one receive that was made: the layer does not give it up to
/// make another.
pub async fn a_receive_that_waits_is_not_started_again(
    layer: &dyn LayerUnderTest,
) -> Result<(), Violation> {
    let check = "a_receive_that_waits_is_not_started_again";
    let bench = Bench::new(layer, check, ONE_CALL);
    let mut receiving = bench.recv();
    let what = "receiving through the layer, with nothing to receive,";
    for _ in 0..3 {
        bench.waits(what, receiving.as_mut()).await?;
    }
    let made = bench.probe.calls().len();
    bench.ensure(made == 1, || {
        format!("{what} made {made} receives of the inner handler, where 1 was due")
    })
}

/// A receive that is dropped after any number of polls: the next one gets what the inner handler
/// had for it.
pub async fn a_dropped_receive_loses_nothing_in_the_layer(
    layer: &dyn LayerUnderTest,
) -> Result<(), Violation> {
    let check = "a_dropped_receive_loses_nothing_in_the_layer";
    let mut bench = Bench::new(layer, check, RECV_CANCEL);
    // The probe has the payload and answers at once.
    bench.guard.time_limit = Duration::from_secs(2);
    let mut due = 0_u32;
    for pauses in 0..3 {
        bench.probe.pause(pauses);
        for polls in 0..8 {
            let payload = message(&due);
            due += 1;
            bench.probe.deliver(payload.clone());
            let what = format!("receiving through the layer, dropped after {polls} polls,");
            let early = {
                let receiving = pin!(bench.recv());
                bench.poll_times(&what, polls, receiving).await
            };
            let received = match early {
                Some(received) => bench.ok(&what, async { received }).await?,
                None => bench.ok(&what, bench.recv()).await?,
            };
            bench.ensure(received == payload, || {
                let (found, due) = (probe::describe(&received), probe::describe(&payload));
                format!("{what} gave {found}, where {due} was due")
            })?;
        }
    }
    Ok(())
}

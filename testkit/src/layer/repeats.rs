use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use choreo_core::{ErrorKind, Operation, Outgoing};

use super::bench::Bench;
use super::errors::{KINDS, failure};
use crate::promise::REPEATS;
use crate::{LayerUnderTest, Violation};

/// A send whose error is not transient may have reached the peer: it is made once.
pub async fn a_permanent_error_of_a_send_is_not_repeated(
    layer: &dyn LayerUnderTest,
) -> Result<(), Violation> {
    let check = "a_permanent_error_of_a_send_is_not_repeated";
    let bench = Bench::new(layer, check, REPEATS);
    for kind in KINDS {
        bench
            .probe
            .fail_with(move || failure(Operation::Send, kind, false));
        let sending = bench.send(Outgoing::Message(&1_u32));
        let what =
            format!("sending, where the inner handler's error of kind {kind:?} is permanent,");
        once(&bench, &what, sending).await?;
    }

    // Tried again with every right, until the error is of the other sort.
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    bench.probe.fail_with(move || {
        let transient = counted.fetch_add(1, Ordering::Relaxed) == 0;
        failure(Operation::Send, ErrorKind::Transport, transient)
    });
    let what = "sending, where the second attempt's error is permanent,";
    let _ = bench
        .within(what, bench.send(Outgoing::Message(&1_u32)))
        .await?;
    let made = attempts.load(Ordering::Relaxed);
    bench.ensure(made <= 2, || {
        format!("{what} made {made} calls of the inner handler, where at most 2 were due")
    })
}

/// The same for `send_to_all`.
pub async fn a_permanent_error_of_send_to_all_is_not_repeated(
    layer: &dyn LayerUnderTest,
) -> Result<(), Violation> {
    let check = "a_permanent_error_of_send_to_all_is_not_repeated";
    let bench = Bench::new(layer, check, REPEATS);
    for kind in KINDS {
        bench
            .probe
            .fail_with(move || failure(Operation::Send, kind, false));
        let sending = bench.send_to_both(Outgoing::Message(&1_u32));
        let what = format!(
            "sending to all, where the inner handler's error of kind {kind:?} is permanent,"
        );
        once(&bench, &what, sending).await?;
    }
    Ok(())
}

/// A receive that fails is not made again, whatever the error says of itself: what the next one
/// gets is for the caller's next receive.
pub async fn a_receive_is_never_repeated(layer: &dyn LayerUnderTest) -> Result<(), Violation> {
    let bench = Bench::new(layer, "a_receive_is_never_repeated", REPEATS);
    for transient in [false, true] {
        for kind in KINDS {
            bench
                .probe
                .fail_with(move || failure(Operation::Recv, kind, transient));
            let receiving = bench.recv();
            let what = format!("receiving, where the inner handler's error is of kind {kind:?},");
            once(&bench, &what, receiving).await?;
        }
    }
    Ok(())
}

async fn once<T>(
    bench: &Bench,
    what: &str,
    calling: impl Future<Output = choreo_core::Result<T>>,
) -> Result<(), Violation> {
    let earlier = bench.probe.calls().len();
    // What came of it is for other checks.
    let _ = bench.within(what, calling).await?;
    let made = bench.probe.calls().len() - earlier;
    bench.ensure(made == 1, || {
        format!("{what} made {made} calls of the inner handler, where 1 was due")
    })
}

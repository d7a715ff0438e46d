use std::fmt::Write;

use choreo::Operation;

use crate::stack::Instruments;

/// The lines of the table of what Metrics has counted.
pub(crate) fn counters(instruments: &Instruments) -> String {
    let mut lines = String::new();
    for (role, metrics) in [("Alice", &instruments.alice), ("Bob", &instruments.bob)] {
        for peer in metrics.snapshot().peers {
            for operation in [Operation::Send, Operation::Recv] {
                let counted = peer.of(operation);
                let wait = match counted.waits.mean() {
                    Some(wait) => format!(
                        "{}",
                        wait.as_secs() * 1_000_000 + u64::from(wait.subsec_micros())
                    ),
                    None => String::new(),
                };
                if counted.count + counted.errors > 0 {
                    // Writing to a string does not fail.
                    let _ = writeln!(
                        lines,
                        "{role}\t{operation} {}\t{}\t{}\t{}\t{}\t{wait}",
                        peer.peer, counted.count, counted.errors, counted.bytes, counted.waited,
                    );
                }
            }
        }
    }
    lines
}

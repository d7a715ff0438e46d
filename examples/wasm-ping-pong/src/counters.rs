use choreo::Operation;
use choreo::middleware::MetricsSnapshot;

/// What Metrics has counted, five numbers for each role and operation: count, errors, bytes, how
/// many had to wait, and the microseconds that these waited on average.
pub(crate) fn counters(roles: [MetricsSnapshot; 2]) -> Vec<f64> {
    let mut numbers = Vec::new();
    for counted in roles {
        add(&counted, &mut numbers);
    }
    numbers
}

fn add(counted: &MetricsSnapshot, numbers: &mut Vec<f64>) {
    // Each role has one peer, once it has spoken to it.
    let Some(peer) = counted.peers.first() else {
        return numbers.extend([0.0; 10]);
    };
    for operation in [Operation::Send, Operation::Recv] {
        let counted = peer.of(operation);
        let mean = counted.waits.mean().unwrap_or_default();
        numbers.extend([
            counted.count as f64,
            counted.errors as f64,
            counted.bytes as f64,
            counted.waited as f64,
            mean.as_secs() as f64 * 1e6 + f64::from(mean.subsec_micros()),
        ]);
    }
}

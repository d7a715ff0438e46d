//! Many roles and many sessions in one process.
#![cfg(not(target_arch = "wasm32"))]

use choreo::prelude::*;

/// 10,000 roles pass a number around.
///
/// The only test of its process, so that the memory is its own.
#[tokio::test]
async fn a_ring_of_ten_thousand_roles_in_less_than_200_megabytes() {
    const ROLES: usize = 10_000;
    let start = std::time::Instant::now();
    let network = InMemoryNetwork::new();
    let tasks: Vec<_> = (0..ROLES)
        .map(|me| {
            let handler = network.join(me).unwrap();
            tokio::spawn(async move {
                let (next, last) = ((me + 1) % ROLES, (me + ROLES - 1) % ROLES);
                if me == 0 {
                    handler.send(&(), next, &1_u64).await?;
                    return handler.recv::<u64>(&(), last).await;
                }
                let n: u64 = handler.recv(&(), last).await?;
                handler.send(&(), next, &(n + 1)).await?;
                Ok(n)
            })
        })
        .collect();
    let results = futures::future::join_all(tasks).await;
    let sum: u64 = results
        .into_iter()
        .map(|result| result.unwrap().unwrap())
        .sum();
    assert_eq!(sum, (1..=ROLES as u64).sum::<u64>());
    print!("{ROLES} roles: {:?}", start.elapsed());

    // "VmHWM:    12345 kB", on Linux.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        println!(", {} MB at most", kilobytes / 1_000);
        assert!(kilobytes < 200_000, "{kilobytes} kB");
    }
}

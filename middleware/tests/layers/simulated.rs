//! Layers in virtual time, on networks that lose messages.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use choreo_core::runtime::Instant;
use choreo_core::{ChoreoHandlerExt, ErrorKind, Result};
use choreo_middleware::{Fault, FaultInjectionLayer, RetryLayer, Timeout};
use choreo_testkit::{SimNetwork, Simulation};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const HOUR: Duration = Duration::from_secs(3_600);

/// Alice gets through the fourth time.
async fn retry(net: SimNetwork<&'static str>) -> Result<()> {
    let bob = net.join("Bob")?;
    let faults = FaultInjectionLayer::new().with_schedule(Fault::BeforeSend, [1, 2, 3]);
    let alice = net.join("Alice")?.layer(faults);
    let alice = alice.layer(RetryLayer::new(3, HOUR).max_delay(4 * HOUR));
    let start = Instant::now();
    alice.send(&(), "Bob", &"at last").await?;
    // One, two and four of them, and up to as much again by chance.
    let took = start.elapsed();
    assert!(took >= 7 * HOUR && took <= 14 * HOUR, "{took:?}");
    assert_eq!(bob.recv::<String>(&(), "Alice").await?, "at last");
    Ok(())
}

#[test]
fn retries_wait_for_virtual_hours() {
    let simulation = Simulation::new().seeds(0..20);
    let report = simulation.run(retry);
    assert!(report.time > 20 * 7 * HOUR);
    assert_eq!(report, simulation.run(retry), "chance is that of the seed");
}

/// Alice asks until she is answered, each time for as long as the layer lets her.
async fn ask(net: SimNetwork<&'static str>, asked: Rc<Cell<u32>>) -> Result<()> {
    let bob = net.play("Bob", async |bob| {
        while let Ok(number) = bob.recv::<u32>(&(), "Alice").await {
            bob.send(&(), "Alice", &number).await?;
        }
        Ok(())
    });
    let alice = Timeout::new(net.join("Alice")?, HOUR);
    loop {
        asked.set(asked.get() + 1);
        alice.send(&(), "Bob", &1_u32).await?;
        match alice.recv::<u32>(&(), "Bob").await {
            Ok(number) => break assert_eq!(number, 1),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Timeout),
        }
    }
    drop(alice);
    bob.await
}

#[test]
fn a_timeout_ends_the_wait_for_what_was_lost() {
    let asked = Rc::new(Cell::new(0));
    let count = Rc::clone(&asked);
    let report = Simulation::new()
        .delay(Duration::from_millis(1)..Duration::from_millis(20))
        .loss(0.3)
        .run(move |net| ask(net, Rc::clone(&count)));
    // Each time it was asked in vain took an hour.
    assert!(asked.get() > 150, "{}", asked.get());
    assert!(report.time > (asked.get() - 100) * HOUR);
    assert!(report.time < (asked.get() - 99) * HOUR);
}

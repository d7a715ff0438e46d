//! The same seed makes the same world.

use choreo_core::runtime::{sleep, timeout};
use choreo_core::{ChoreoHandlerExt, Result};
use choreo_testkit::{Report, SimNetwork, Simulation};

use super::millis;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A network on which everything goes wrong.
fn rough() -> Simulation<&'static str> {
    Simulation::new()
        .delay(millis(1)..millis(30))
        .loss(0.1)
        .repeat(0.1)
        .reorder(0.1)
        .at(millis(0)..millis(200), |net| {
            net.crash_for(&"Bob", millis(5)..millis(50));
        })
        .at(millis(20)..millis(100), |net| {
            net.partition(["Alice"], ["Bob"]);
        })
        .at(millis(100)..millis(200), SimNetwork::heal)
}

/// Alice counts with Bob. She takes the answer to an earlier question, which came late or twice, for
/// that to her last one: a mistake.
async fn count(net: SimNetwork<&'static str>, careful: bool) -> Result<()> {
    let _bob = net.play("Bob", async |bob| -> Result<()> {
        loop {
            let number: u32 = bob.recv(&(), "Alice").await?;
            bob.send(&(), "Alice", &(number + 1)).await?;
        }
    });
    let alice = net.join("Alice")?;
    for number in 0..10_u32 {
        'asked: loop {
            alice.send(&(), "Bob", &number).await?;
            while let Ok(answer) = timeout(millis(100), alice.recv::<u32>(&(), "Bob")).await {
                let answer = answer?;
                if answer == number + 1 {
                    break 'asked;
                }
                assert!(careful, "{number} + 1 is {answer}");
            }
        }
        sleep(millis(1)).await;
    }
    Ok(())
}

fn careful(seeds: std::ops::Range<u64>) -> Report {
    rough().seeds(seeds).run(|net| count(net, true))
}

#[test]
fn a_protocol_that_minds_everything_survives() {
    let report = careful(0..200);
    println!("{report}");
    let counts = report.counts;
    for (what, times) in [
        ("lost", counts.lost),
        ("repeated", counts.repeated),
        ("crashes", counts.crashes),
        ("restarts", counts.restarts),
        ("partitions", counts.partitions),
    ] {
        assert!(times >= 100, "{what}: {report}");
    }
}

#[test]
fn two_runs_are_the_same_to_the_last_event() {
    assert_eq!(careful(0..50), careful(0..50));
    assert_ne!(careful(0..50).digest, careful(1..51).digest);
}

/// The first world that finds the mistake.
#[cfg(not(target_arch = "wasm32"))]
fn mistaken() -> Simulation<&'static str> {
    rough().seeds(0..50)
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_mistake_is_found_and_its_seed_shows_it_again() {
    let careless = |net| count(net, false);
    let found: Box<choreo_testkit::SimFailure> = mistaken().try_run(careless).unwrap_err();
    println!("{found:?}");
    let again = rough().seed(found.seed()).try_run(careless).unwrap_err();
    assert_eq!(found, again);
    assert_eq!(format!("{found:?}"), format!("{again:?}"));
    assert!(found.mermaid().contains("-x"), "a loss is drawn");
}

/// Runs this very test in another process, which prints what it sees.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn another_process_sees_the_same() {
    use std::process::Command;

    const NAME: &str = "simulation::again::another_process_sees_the_same";
    let failure = mistaken().try_run(|net| count(net, false)).unwrap_err();
    let seen = format!(
        "{:016x}\n{failure:?}\n{}",
        careful(0..20).digest,
        failure.svg()
    );
    if std::env::var_os("CHOREO_SIMULATED_ELSEWHERE").is_some() {
        print!("<<<{seen}>>>");
        return;
    }
    for _ in 0..2 {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([NAME, "--exact", "--nocapture"])
            .env("CHOREO_SIMULATED_ELSEWHERE", "1")
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let there = printed
            .split("<<<")
            .nth(1)
            .and_then(|rest| rest.split(">>>").next());
        assert_eq!(there, Some(seen.as_str()));
    }
}

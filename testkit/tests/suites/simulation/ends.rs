//! How worlds fail, and what is said then.

use choreo_core::runtime::{sleep, yield_now};
use choreo_core::{ChoreoHandlerExt, Error, ErrorKind};
use choreo_testkit::{Cause, SimFailure, SimNetwork, Simulation};
use std::time::Duration;

use super::millis;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn a_deadlock_says_who_waits_for_what() {
    let failure = Simulation::new()
        .at(millis(3), |net| net.crash(&"Carol"))
        .try_run(async |net: SimNetwork<&str>| {
            let carol = net.play("Carol", async |carol| carol.recv::<u32>(&(), "Bob").await);
            let alice = net.join("Alice")?;
            let bob = net.join("Bob")?;
            sleep(millis(5)).await;
            let (one, other) =
                futures::join!(alice.recv::<u32>(&(), "Bob"), bob.recv::<u32>(&(), "Alice"),);
            one.and(other).and(carol.await).map(drop)
        })
        .unwrap_err();
    assert_eq!(*failure.cause(), Cause::Deadlock);
    assert_eq!(failure.at(), millis(5));
    let mut waits = failure.waits().to_vec();
    waits.sort();
    assert_eq!(
        waits,
        [
            "Alice has waited since 5ms to receive from Bob",
            "Bob has waited since 5ms to receive from Alice",
            "Carol lies since 3ms",
        ]
    );
    for wait in failure.waits() {
        assert!(format!("{failure:?}").contains(wait));
    }
}

#[test]
fn what_never_ends_is_ended() {
    let day = Duration::from_secs(24 * 60 * 60);
    let failure = Simulation::new()
        .try_run(async |_: SimNetwork<&str>| {
            loop {
                sleep(Duration::from_secs(1_000)).await;
            }
        })
        .unwrap_err();
    assert_eq!(*failure.cause(), Cause::TimeLimit(day));
    let failure = Simulation::new()
        .step_limit(500)
        .try_run(async |_: SimNetwork<&str>| {
            loop {
                yield_now().await;
            }
        })
        .unwrap_err();
    assert_eq!(*failure.cause(), Cause::StepLimit(500));
}

#[test]
fn an_error_fails_with_its_sources() {
    let failure = failing_at_17();
    let why = "no luck: it is Friday".to_owned();
    assert_eq!((failure.seed(), failure.cause()), (17, &Cause::Error(why)));
    assert_eq!(
        failure.to_string(),
        "seed 17, after 2ms: the test failed: no luck: it is Friday"
    );
}

fn failing_at_17() -> Box<SimFailure> {
    Simulation::new()
        .try_run(async |net: SimNetwork<&str>| {
            sleep(millis(2)).await;
            match net.seed() {
                17 => Err(Error::new(ErrorKind::Config, "no luck")
                    .with_source(Error::new(ErrorKind::Config, "it is Friday"))),
                _ => Ok(()),
            }
        })
        .unwrap_err()
}

/// Where panics can be caught.
#[cfg(not(target_arch = "wasm32"))]
mod panics {
    use super::*;

    #[test]
    fn a_panic_fails_in_whichever_task() {
        let failure = Simulation::new()
            .try_run(async |net: SimNetwork<&str>| {
                let seed = net.seed();
                let bob = net.play("Bob", move |_| async move {
                    sleep(millis(1)).await;
                    assert!(seed < 7, "{seed} is too much");
                    Ok(())
                });
                bob.await
            })
            .unwrap_err();
        let why = "7 is too much".to_owned();
        assert_eq!((failure.seed(), failure.cause()), (7, &Cause::Panic(why)));
    }

    #[test]
    fn a_test_that_fails_prints_how_to_see_it_again() {
        let panic = std::panic::catch_unwind(|| {
            Simulation::new()
                .seeds(3..5)
                .run(async |net: SimNetwork<&str>| {
                    let alice = net.join("Alice")?;
                    let _bob = net.join("Bob")?;
                    alice.send(&(), "Bob", &"hello").await?;
                    Err(Error::new(ErrorKind::Config, "no luck"))
                })
        });
        let panic = panic.unwrap_err();
        let printed = panic.downcast_ref::<String>().unwrap();
        for part in [
            "seed 3, after 0ns: the test failed: no luck",
            "SIM_SEED=3 cargo test simulation::ends::panics::a_test_that_fails_prints",
            "sequenceDiagram\n    participant p0 as Alice\n    participant p1 as Bob\n",
        ] {
            assert!(printed.contains(part), "{part} is not in:\n{printed}");
        }
        let picture = printed.split("its picture: ").nth(1).unwrap().trim();
        assert!(
            std::fs::read_to_string(picture)
                .unwrap()
                .starts_with("<svg")
        );
        std::fs::remove_file(picture).unwrap();
    }
}

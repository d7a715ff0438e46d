//! Each fault happens, and only where it was asked for.

use choreo_core::runtime::{Instant, sleep, timeout};
use choreo_core::{ChoreoHandler, ChoreoHandlerExt, ErrorKind, Result};
use choreo_testkit::{SimNetwork, Simulation};
use std::cell::Cell;
use std::rc::Rc;

use super::millis;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SENT: u32 = 30;

/// Alice sends 0, 1, 2 .. and leaves; what Bob receives.
async fn stream(net: SimNetwork<&'static str>) -> Result<Vec<u32>> {
    let alice = net.join("Alice")?;
    let bob = net.join("Bob")?;
    let sending = async {
        for number in 0..SENT {
            alice.send(&(), "Bob", &number).await?;
            sleep(millis(1)).await;
        }
        drop(alice);
        Ok(())
    };
    let (sent, received) = futures::join!(sending, until_closed(&bob));
    sent.and(received)
}

async fn until_closed(
    bob: &impl ChoreoHandler<Role = &'static str, Endpoint = ()>,
) -> Result<Vec<u32>> {
    let mut received = Vec::new();
    loop {
        match bob.recv(&(), "Alice").await {
            Ok(number) => received.push(number),
            Err(error) if error.kind() == ErrorKind::Closed => return Ok(received),
            Err(error) => return Err(error),
        }
    }
}

#[test]
fn delays_are_drawn_and_keep_the_order() {
    let report = Simulation::new()
        .delay(millis(5)..millis(50))
        .run(async |net| {
            let start = Instant::now();
            let received = stream(net).await?;
            assert!(received.into_iter().eq(0..SENT));
            let took = start.elapsed();
            assert!(took >= millis(u64::from(SENT) + 4), "{took:?}");
            assert!(took <= millis(u64::from(SENT) + 101), "{took:?}");
            Ok(())
        });
    assert_eq!(report.counts.sent, 100 * u64::from(SENT));
    assert_eq!(report.counts.received, report.counts.sent);
    assert_eq!(report.counts.lost + report.counts.repeated, 0);
}

#[test]
fn a_part_of_the_messages_is_lost() {
    let report = Simulation::new().loss(0.25).run(async |net| {
        let received = stream(net).await?;
        assert!(
            received.is_sorted_by(|one, next| one < next),
            "{received:?}"
        );
        Ok(())
    });
    let counts = report.counts;
    assert_eq!(counts.received + counts.lost, counts.sent);
    let part = counts.lost as f64 / counts.sent as f64;
    assert!((0.2..0.3).contains(&part), "{report}");
}

#[test]
fn a_part_of_the_messages_comes_twice() {
    let report = Simulation::new()
        .delay(millis(1)..millis(5))
        .repeat(0.25)
        .run(async |net| {
            let mut received = stream(net).await?;
            assert!(received.len() > SENT as usize);
            received.sort_unstable();
            received.dedup();
            assert!(received.into_iter().eq(0..SENT), "nothing is lost");
            Ok(())
        });
    let counts = report.counts;
    assert_eq!(counts.received, counts.sent + counts.repeated);
    let part = counts.repeated as f64 / counts.sent as f64;
    assert!((0.2..0.3).contains(&part), "{report}");
}

#[test]
fn messages_overtake_each_other() {
    let unsorted = Rc::new(Cell::new(0));
    let count = Rc::clone(&unsorted);
    Simulation::new()
        .delay(millis(1)..millis(20))
        .reorder(0.25)
        .run(move |net| {
            let count = Rc::clone(&count);
            async move {
                let mut received = stream(net).await?;
                count.set(count.get() + usize::from(!received.is_sorted()));
                received.sort_unstable();
                assert!(
                    received.into_iter().eq(0..SENT),
                    "nothing is lost or repeated"
                );
                Ok(())
            }
        });
    assert!(unsorted.get() > 90, "in {} of 100 worlds", unsorted.get());
}

#[test]
fn a_full_queue_makes_the_send_wait() {
    Simulation::new().capacity(3).run(async |net| {
        let alice = net.join("Alice")?;
        let bob = net.join("Bob")?;
        for number in 0..3_u32 {
            alice.send(&(), "Bob", &number).await?;
        }
        let sending = alice.send(&(), "Bob", &3_u32);
        assert!(timeout(millis(10), sending).await.is_err());
        assert_eq!(bob.recv::<u32>(&(), "Alice").await?, 0);
        alice.send(&(), "Bob", &4_u32).await?;
        for due in [1, 2, 4] {
            assert_eq!(bob.recv::<u32>(&(), "Alice").await?, due);
        }
        Ok(())
    });
}

#[test]
fn a_partition_loses_what_is_sent_into_it() {
    let report = Simulation::new()
        .delay(millis(5))
        .at(millis(10), |net| net.partition(["Alice"], ["Bob"]))
        .at(millis(20), SimNetwork::heal)
        .seeds(0..10)
        .run(async |net| {
            // Sent at 0, 1 .. 29, under way for 5: those from 6 to 19 do not get through.
            let received = stream(net).await?;
            let through: Vec<u32> = (0..SENT).filter(|at| !(6..20).contains(at)).collect();
            let but_for_ties = |at: &&u32| ![5, 10, 20].contains(*at);
            assert!(
                received
                    .iter()
                    .filter(but_for_ties)
                    .eq(through.iter().filter(but_for_ties)),
                "{received:?}"
            );
            Ok(())
        });
    assert_eq!(report.counts.partitions, 10);
}

#[test]
fn a_partition_leaves_others_alone() {
    Simulation::new().run(async |net| {
        let (alice, bob, carol) = (net.join("Alice")?, net.join("Bob")?, net.join("Carol")?);
        net.partition(["Alice"], ["Bob"]);
        alice.send(&(), "Carol", &1_u32).await?;
        assert_eq!(carol.recv::<u32>(&(), "Alice").await?, 1);
        carol.send(&(), "Bob", &2_u32).await?;
        assert_eq!(bob.recv::<u32>(&(), "Carol").await?, 2);
        // The news that Alice has left does not get through either.
        drop(alice);
        let receiving = bob.recv::<u32>(&(), "Alice");
        assert!(timeout(millis(10), receiving).await.is_err());
        net.heal();
        let error = bob.recv::<u32>(&(), "Alice").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
        Ok(())
    });
}

#[test]
fn a_crash_takes_the_queues_along_and_the_part_begins_anew() {
    let report = Simulation::new()
        .delay(millis(2))
        .run(async |net: SimNetwork<&str>| {
            let begun = Rc::new(Cell::new(0));
            let part = {
                let begun = Rc::clone(&begun);
                move |bob: choreo_testkit::SimHandler<&'static str>| {
                    begun.set(begun.get() + 1);
                    async move {
                        let got: u32 = bob.recv(&(), "Alice").await?;
                        sleep(millis(10)).await;
                        bob.send(&(), "Alice", &got).await?;
                        Ok(got)
                    }
                }
            };
            let bob = net.play("Bob", part);
            let alice = net.join("Alice")?;
            alice.send(&(), "Bob", &1_u32).await?;
            sleep(millis(5)).await;
            // Bob has taken it, and is about to answer.
            net.crash(&"Bob");
            alice.send(&(), "Bob", &2_u32).await?;
            let answer = alice.recv::<u32>(&(), "Bob");
            assert!(
                timeout(millis(1_000), answer).await.is_err(),
                "nobody is told"
            );
            assert_eq!(begun.get(), 1);
            net.restart(&"Bob");
            alice.send(&(), "Bob", &3_u32).await?;
            assert_eq!(alice.recv::<u32>(&(), "Bob").await?, 3);
            assert_eq!((bob.await?, begun.get()), (3, 2));
            Ok(())
        });
    assert_eq!((report.counts.crashes, report.counts.restarts), (100, 100));
    assert_eq!(report.counts.lost, 100);
}

#[test]
fn what_a_role_spawned_crashes_with_it() {
    Simulation::new()
        .seeds(0..10)
        .run(async |net: SimNetwork<&str>| {
            let ticks = Rc::new(Cell::new(0));
            let counted = Rc::clone(&ticks);
            let bob = net.play("Bob", move |_bob| {
                let ticks = Rc::clone(&ticks);
                async move {
                    choreo_core::runtime::spawn_local(async move {
                        loop {
                            sleep(millis(1)).await;
                            ticks.set(ticks.get() + 1);
                        }
                    });
                    std::future::pending::<Result<()>>().await
                }
            });
            sleep(millis(10)).await;
            net.crash(&"Bob");
            let before = counted.get();
            assert!(before > 5);
            sleep(millis(10)).await;
            assert_eq!(counted.get(), before);
            drop(bob);
            Ok(())
        });
}

#[test]
fn a_handler_of_before_the_crash_is_good_for_nothing() {
    Simulation::new()
        .seeds(0..10)
        .run(async |net: SimNetwork<&str>| {
            let alice = net.join("Alice")?;
            let bob = net.join("Bob")?;
            net.crash(&"Bob");
            let error = bob.send(&(), "Alice", &1_u32).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Closed);
            let error = bob.recv::<u32>(&(), "Alice").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Closed);
            let again = net.join("Bob")?;
            // The old one is not the one that leaves.
            drop(bob);
            again.send(&(), "Alice", &2_u32).await?;
            assert_eq!(alice.recv::<u32>(&(), "Bob").await?, 2);
            assert_eq!(net.join("Bob").unwrap_err().kind(), ErrorKind::Config);
            Ok(())
        });
}

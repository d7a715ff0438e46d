//! Time is virtual.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use choreo_core::runtime::{Instant, random, sleep, spawn, spawn_local, timeout};
use choreo_testkit::{SimNetwork, Simulation};
use futures::channel::oneshot;

use super::millis;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn days_pass_in_no_time() {
    let really = Instant::now();
    let day = Duration::from_secs(24 * 60 * 60);
    let report = Simulation::new().seeds(0..10).time_limit(10 * day).run(
        move |_: SimNetwork<&str>| async move {
            let start = Instant::now();
            sleep(day).await;
            assert_eq!(start.elapsed(), day);
            let waiting = std::future::pending::<()>();
            assert!(timeout(day, waiting).await.is_err());
            assert_eq!(start.elapsed(), 2 * day);
            assert!(timeout(day, sleep(millis(5))).await.is_ok());
            assert_eq!(start.elapsed(), 2 * day + millis(5));
            Ok(())
        },
    );
    assert_eq!(report.worlds, 10);
    assert_eq!(report.time, 10 * (2 * day + millis(5)));
    assert!(really.elapsed() < day);
}

#[test]
fn sleeps_end_in_the_order_of_their_times() {
    Simulation::new().run(|_: SimNetwork<&str>| async {
        let woken = Rc::new(RefCell::new(Vec::new()));
        let (all, done) = oneshot::channel();
        let mut all = Some(all);
        for time in [3, 1, 2, 4] {
            let (woken, all) = (Rc::clone(&woken), all.take_if(|_| time == 4));
            spawn_local(async move {
                sleep(millis(time)).await;
                woken.borrow_mut().push(time);
                if let Some(all) = all {
                    all.send(()).unwrap();
                }
            });
        }
        done.await.unwrap();
        assert_eq!(*woken.borrow(), [1, 2, 3, 4]);
        Ok(())
    });
}

#[test]
fn who_goes_first_differs_from_world_to_world() {
    let orders = Rc::new(RefCell::new(BTreeSet::new()));
    let seen = Rc::clone(&orders);
    Simulation::new().run(move |_: SimNetwork<&str>| {
        let seen = Rc::clone(&seen);
        async move {
            let (sender, receiver) = async_channel::bounded(3);
            for task in 0..3 {
                let sender = sender.clone();
                spawn(async move { sender.send(task).await.unwrap() });
            }
            let mut order = Vec::new();
            for _ in 0..3 {
                order.push(receiver.recv().await.unwrap());
            }
            seen.borrow_mut().insert(order);
            Ok(())
        }
    });
    assert_eq!(orders.borrow().len(), 6, "all orders of three tasks");
}

#[test]
fn chance_is_the_same_in_the_same_world() {
    let draw = |seed| {
        let drawn = Rc::new(RefCell::new(Vec::new()));
        let slot = Rc::clone(&drawn);
        Simulation::new()
            .seed(seed)
            .run(move |_: SimNetwork<&str>| {
                let slot = Rc::clone(&slot);
                async move {
                    *slot.borrow_mut() = (0..10).map(|_| (random() * 1e9) as u64).collect();
                    Ok(())
                }
            });
        drawn.take()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

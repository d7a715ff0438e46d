//! What a protocol costs grows with its length, not with the square of it.
#![cfg(not(target_arch = "wasm32"))]

use std::time::{Duration, Instant};

use choreo_protocol::Global;

mod common;
use common::{interactions, large};

/// The shortest of several times, which other things that the machine does make only longer.
fn shortest(global: &Global) -> Duration {
    let times = (0..5).map(|_| {
        let begun = Instant::now();
        std::hint::black_box(global.locals().expect("it is sound"));
        begun.elapsed()
    });
    times.min().expect("there are five")
}

#[test]
fn ten_times_the_interactions_take_not_much_more_than_ten_times_as_long() {
    let (short, long) = (large(50, 200), large(50, 2_000));
    assert_eq!(interactions(&short.steps), 200);
    assert_eq!(interactions(&long.steps), 2_000);
    let mut ratios = Vec::new();
    // Squared, it would be 100 times each time.
    while ratios.iter().all(|ratio| *ratio > 30.0) {
        assert!(ratios.len() < 10, "{ratios:.1?} times as long");
        let [short, long] = [&short, &long].map(shortest);
        ratios.push(long.as_secs_f64() / short.as_secs_f64());
    }
}

#[test]
fn states_are_as_many_as_what_the_role_does() {
    for (count, most) in [(100, 30), (1_000, 300)] {
        let parts = large(50, count).locals().expect("it is sound");
        for part in parts {
            part.check().expect("it is sound");
            assert!(part.states.len() <= most, "{}", part.states.len());
        }
    }
}

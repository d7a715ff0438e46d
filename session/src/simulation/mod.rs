//! The protocol in worlds that lose, cut, repeat and reorder, by seed and in virtual time.

mod fault;
mod world;

use fault::Fault;
use world::{Plan, World};

/// Runs the worlds of many seeds and returns what each came to.
fn run(seeds: std::ops::Range<u64>, fault: Fault) -> Vec<(u64, Result<world::Totals, String>)> {
    seeds
        .map(|seed| (seed, World::new(Plan::of(seed), fault).run()))
        .collect()
}

#[test]
fn nothing_is_lost_repeated_or_reordered() {
    let mut all = world::Totals::default();
    for (seed, outcome) in run(0..10_000, Fault::None) {
        match outcome {
            Ok(totals) => all.add(&totals),
            Err(why) => panic!("seed {seed}: {why}"),
        }
    }
    println!("{all:?}");
    assert!(all.messages > 100_000, "{all:?}");
    assert!(all.cuts > 10_000, "{all:?}");
    assert!(all.restarts > 1_000, "{all:?}");
    assert!(all.dropped > 10_000, "{all:?}");
}

#[test]
fn every_wrong_rule_is_found_out() {
    for fault in Fault::WRONG {
        let outcomes = run(0..200, fault);
        let caught = outcomes
            .iter()
            .filter(|(_, outcome)| outcome.is_err())
            .count();
        println!("{fault:?}: caught in {caught} of 200 worlds");
        assert!(caught > 0, "{fault:?} was not found out");
    }
}

#[test]
fn a_role_that_was_started_anew_is_an_abort_and_never_a_silent_gap() {
    for seed in 0..1_000 {
        let mut plan = Plan::of(seed);
        plan.anew = true;
        World::new(plan, Fault::None)
            .run()
            .unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
}

#[test]
fn mistaking_a_new_process_for_the_old_is_found_out() {
    let caught = (0..400).filter(|seed| {
        let mut plan = Plan::of(*seed);
        plan.anew = true;
        World::new(plan, Fault::MistakesProcesses).run().is_err()
    });
    assert!(caught.count() > 0);
}

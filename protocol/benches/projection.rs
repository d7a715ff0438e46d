//! How long a large protocol takes to be checked and projected to all its roles: `cargo bench -p
//! choreo-protocol`.

use std::time::{Duration, Instant};

use criterion::Criterion;

#[path = "../tests/common/mod.rs"]
mod common;
use common::{interactions, large};

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("checked and projected to 50 roles");
    group.sample_size(20);
    for count in [100, 1_000] {
        let global = large(50, count);
        group.bench_function(format!("{count} interactions"), |b| {
            b.iter(|| global.locals().expect("it is sound"));
        });
    }
    group.finish();
}

fn report() {
    let global = large(50, 1_000);
    let begun = Instant::now();
    let parts = global.locals().expect("it is sound");
    let took = begun.elapsed();
    let states: usize = parts.iter().map(|part| part.states.len()).sum();
    println!(
        "{} roles, {} interactions: {states} states in {took:.1?} (at most {:.1?})",
        parts.len(),
        interactions(&global.steps),
        Duration::from_secs(1),
    );
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
    report();
}

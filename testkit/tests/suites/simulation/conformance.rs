//! On a network without faults, a handler keeps every promise.

use choreo_testkit::{SimNetwork, from_fn, handler_suite};

const BOUND: usize = SimNetwork::<&str>::DEFAULT_CAPACITY;

handler_suite!(from_fn(["Alice", "Bob", "Carol"], BOUND, |roles| {
    let network = SimNetwork::new();
    let join = |role: &&'static str| (network.join(*role).expect("a new network"), ());
    roles.iter().map(join).collect()
}));

//! The line keeps every promise of a transport, natively and in browsers.

use std::sync::Arc;
use std::time::Duration;

use choreo_core::{Connect, runtime};
use choreo_testkit::{TransportFixture, from_connect, transport_suite};
use custom_transport::Line;

/// What a line holds, its buffers below counted: frames of 64 KiB in one direction.
const BOUND: usize = 24;

fn line() -> impl TransportFixture {
    let (address, patience) = (address(), Duration::from_secs(10));
    let listens = Arc::new(Line::listen(&address, patience));
    from_connect(BOUND, Line::call(&address, patience), move || {
        let listens = Arc::clone(&listens);
        async move { listens.connect().await }
    })
}

/// One that no other test has.
fn address() -> String {
    let name = format!("line-{}", (runtime::random() * 1e15) as u64);
    // Natively in the folder that cargo has for tests.
    option_env!("CARGO_TARGET_TMPDIR")
        .filter(|_| cfg!(not(target_arch = "wasm32")))
        .map_or(name.clone(), |folder| format!("{folder}/{name}"))
}

transport_suite!(line());

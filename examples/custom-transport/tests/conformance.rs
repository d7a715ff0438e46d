//! The line keeps every promise of a transport, natively and in browsers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use choreo_core::Connect;
use choreo_testkit::{TransportFixture, from_connect, transport_suite};
use custom_transport::Line;

/// What a line holds, its buffers below counted: frames of 64 KiB in one direction.
const BOUND: usize = 24;

fn line() -> impl TransportFixture {
    static LINES: AtomicU32 = AtomicU32::new(0);
    let number = LINES.fetch_add(1, Ordering::Relaxed);
    let address = format!(
        "{}custom-transport-{}-{number}",
        prefix(),
        std::process::id()
    );
    let patience = Duration::from_secs(10);
    let listens = Arc::new(Line::listen(&address, patience));
    from_connect(BOUND, Line::call(&address, patience), move || {
        let listens = Arc::clone(&listens);
        async move { listens.connect().await }
    })
}

#[cfg(not(target_arch = "wasm32"))]
fn prefix() -> String {
    format!("{}/", std::env::temp_dir().display())
}

#[cfg(target_arch = "wasm32")]
fn prefix() -> String {
    String::new()
}

transport_suite!(line());

//! While somebody listens, `Trace` keeps every promise of a layer too.
#![cfg(feature = "trace")]

use choreo_middleware::TraceLayer;
use choreo_testkit::layer_suite;

/// A layer whose events are formatted, and thrown away.
fn traced() -> TraceLayer {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .without_time()
        .with_writer(std::io::sink)
        .finish();
    // The first test sets it for all.
    let _ = tracing::subscriber::set_global_default(subscriber);
    TraceLayer::new("Alice")
}

layer_suite!(trace, traced());

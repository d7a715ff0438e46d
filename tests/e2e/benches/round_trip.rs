//! A round trip of handler, session and transport in a browser, beside that of a bare WebSocket in
//! the same page: `cargo xtask bench`.

use anyhow::Result;
use choreo_e2e::{Echo, RoundTrips, Sample, TestPage, browse};

const SAMPLES: usize = 41;
/// Clocks of browsers are coarse, up to a millisecond.
const TRIPS: u32 = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    browse("bench", async |browser| {
        let echo = Echo::start().await?;
        let page = TestPage::open(browser).await?;
        let samples = page
            .measure(&RoundTrips::new(&echo, SAMPLES, TRIPS))
            .await?;
        let micros = |of: fn(Sample) -> f64| 1_000.0 * Sample::median(&samples, of);
        println!(
            "round trip of 64 bytes: {:.2} times a bare WebSocket ({:.0} µs, bare {:.0} µs)",
            Sample::median(&samples, Sample::ratio),
            micros(|sample| sample.role),
            micros(|sample| sample.bare),
        );
        Ok(())
    })
    .await
}

//! Round trips in a browser, beside bare ones in the same page: handler, session and transport beside
//! a WebSocket, and the transport over HTTP beside a `POST`. `cargo xtask bench`.

use anyhow::Result;
use choreo_e2e::{Echo, RoundTrips, Sample, TestPage, browse};

const SAMPLES: usize = 41;
/// Clocks of browsers are coarse, up to a millisecond.
const TRIPS: u32 = 500;
/// Requests take several times as long.
const POSTS: u32 = 100;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    browse("bench", async |browser| {
        let websocket = Echo::websocket().await?;
        let fetch = Echo::fetch(&TestPage::origin()?).await?;
        for (echo, trips, beside) in [
            (&websocket, TRIPS, "a bare WebSocket"),
            (&fetch, POSTS, "a bare POST"),
        ] {
            let page = TestPage::open(browser.clone()).await?;
            let round_trips = RoundTrips::new(echo, SAMPLES, trips);
            let samples = page.measure(&round_trips).await?;
            let micros = |of: fn(Sample) -> f64| 1_000.0 * Sample::median(&samples, of);
            println!(
                "round trip of 64 bytes: {:.2} times {beside} ({:.0} µs, bare {:.0} µs)",
                Sample::median(&samples, Sample::ratio),
                micros(|sample| sample.ours),
                micros(|sample| sample.bare),
            );
        }
        Ok(())
    })
    .await
}

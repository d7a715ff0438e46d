//! The measurement of `cargo xtask bench` works. How long anything takes is not tested.

use anyhow::Result;
use choreo_e2e::{Echo, RoundTrips, TestPage, browse};

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn round_trips_can_be_measured() -> Result<()> {
    browse("round-trip", async |browser| {
        let echo = Echo::start().await?;
        let page = TestPage::open(browser).await?;
        let samples = page.measure(&RoundTrips::new(&echo, 2, 200)).await?;
        assert_eq!(samples.len(), 2);
        for sample in samples {
            assert!(sample.role > 0.0 && sample.bare > 0.0, "{sample:?}");
        }
        Ok(())
    })
    .await
}

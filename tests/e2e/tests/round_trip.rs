//! The measurement of `cargo xtask bench` works. How long anything takes is not tested.

use anyhow::Result;
use choreo_e2e::{Echo, RoundTrips, TestPage, browse};

#[tokio::test]
#[ignore = "needs a browser: cargo xtask test --browser chromium"]
async fn round_trips_can_be_measured() -> Result<()> {
    browse("round-trip", async |browser| {
        let websocket = Echo::websocket().await?;
        let fetch = Echo::fetch(&TestPage::origin()?).await?;
        for (echo, trips) in [(&websocket, 200), (&fetch, 50)] {
            let page = TestPage::open(browser.clone()).await?;
            let samples = page.measure(&RoundTrips::new(echo, 2, trips)).await?;
            assert_eq!(samples.len(), 2);
            for sample in samples {
                assert!(sample.ours > 0.0 && sample.bare > 0.0, "{sample:?}");
            }
        }
        Ok(())
    })
    .await
}

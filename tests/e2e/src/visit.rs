//! One visit to the page: a driver, a browser, and the way home even after a panic.

use std::env;
use std::fs;
use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;

use anyhow::{Context, Result};
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder};
use futures::FutureExt;
use hyper_util::client::legacy::connect::HttpConnector;

use crate::driver::Driver;
use crate::page::Page;

/// Opens the page in the browser that the environment names, runs `test` on it, takes a
/// screenshot `<browser>-<name>.png`, and closes the browser.
///
/// # Errors
/// If a variable is missing, or the driver, the browser or the page does not start.
///
/// # Panics
/// If `test` does; the browser is closed first.
pub async fn visit<T, F>(name: &str, test: T) -> Result<()>
where
    T: FnOnce(Page) -> F,
    F: Future<Output = Result<()>>,
{
    let driver = Driver::start(&PathBuf::from(variable("CHOREO_E2E_DRIVER")?)).await?;
    let client = ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities()?)
        .connect(&driver.url())
        .await
        .context("the driver cannot start the browser")?;
    let outcome = AssertUnwindSafe(async {
        let page = Page::open(client.clone(), &variable("CHOREO_E2E_PAGE")?).await?;
        test(page).await
    })
    .catch_unwind()
    .await;
    let picture = screenshot(&client, name).await;
    // Before anything can fail: a browser that nobody closes stays for ever.
    let closed = client.close().await;
    match outcome {
        Ok(result) => result?,
        Err(panic) => resume_unwind(panic),
    }
    picture?;
    closed.context("cannot close the browser")
}

async fn screenshot(client: &Client, name: &str) -> Result<()> {
    let dir = PathBuf::from(variable("CHOREO_E2E_SCREENSHOTS")?);
    let file = dir.join(format!("{}-{name}.png", variable("CHOREO_E2E_BROWSER")?));
    let picture = client.screenshot().await.context("no screenshot")?;
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    fs::write(&file, picture).with_context(|| format!("cannot write {}", file.display()))
}

fn capabilities() -> Result<Capabilities> {
    let path = variable("CHOREO_E2E_CAPABILITIES")?;
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    serde_json::from_str(&text).with_context(|| format!("{path} holds no capabilities"))
}

fn variable(name: &str) -> Result<String> {
    env::var(name).with_context(|| {
        format!("{name} is not set; `cargo xtask test --browser chromium` runs these tests")
    })
}

//! One visit to a page: a driver, a browser, and the way home even after a panic.

use std::env;
use std::fs;
use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;

use anyhow::{Context, Result};
use futures::FutureExt;
use thirtyfour::{Capabilities, WebDriver};

use crate::driver::Driver;
use crate::page::Page;

/// Opens the page of ping-pong, as [`browse`], and runs `test` on it.
///
/// # Errors
/// As [`browse`], or if the page does not load.
///
/// # Panics
/// If `test` does; the browser is closed first.
pub async fn visit<T, F>(name: &str, test: T) -> Result<()>
where
    T: FnOnce(Page) -> F,
    F: Future<Output = Result<()>>,
{
    visit_at("CHOREO_E2E_PAGE", name, test).await
}

/// The same on the page without an editor of specs.
///
/// # Errors
/// As [`visit`].
///
/// # Panics
/// As [`visit`].
pub async fn visit_plain<T, F>(name: &str, test: T) -> Result<()>
where
    T: FnOnce(Page) -> F,
    F: Future<Output = Result<()>>,
{
    visit_at("CHOREO_E2E_PLAIN_PAGE", name, test).await
}

async fn visit_at<T, F>(address: &str, name: &str, test: T) -> Result<()>
where
    T: FnOnce(Page) -> F,
    F: Future<Output = Result<()>>,
{
    let visit = async |browser| {
        let page = Page::open(browser, &variable(address)?).await?;
        test(page).await
    };
    browse(name, visit).await
}

/// Starts the browser that the environment names, runs `test` in it, takes a screenshot
/// `<browser>-<name>.png`, and closes the browser.
///
/// # Errors
/// If a variable is missing, or the driver or the browser does not start.
///
/// # Panics
/// If `test` does; the browser is closed first.
pub async fn browse<T>(name: &str, test: T) -> Result<()>
where
    T: AsyncFnOnce(WebDriver) -> Result<()>,
{
    let driver = Driver::start(&PathBuf::from(variable("CHOREO_E2E_DRIVER")?)).await?;
    let browser = WebDriver::new(driver.url(), capabilities()?)
        .await
        .context("the driver cannot start the browser")?;
    browser
        .run_and_quit(async |browser: WebDriver| {
            // The picture matters most where the test panics.
            let outcome = AssertUnwindSafe(test(browser.clone())).catch_unwind().await;
            let picture = screenshot(&browser, name).await;
            outcome.unwrap_or_else(|panic| resume_unwind(panic))?;
            picture
        })
        .await?;
    Ok(())
}

async fn screenshot(browser: &WebDriver, name: &str) -> Result<()> {
    let dir = PathBuf::from(variable("CHOREO_E2E_SCREENSHOTS")?);
    let file = dir.join(format!("{}-{name}.png", variable("CHOREO_E2E_BROWSER")?));
    let picture = browser.screenshot_as_png().await.context("no screenshot")?;
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    fs::write(&file, picture).with_context(|| format!("cannot write {}", file.display()))
}

fn capabilities() -> Result<Capabilities> {
    let path = variable("CHOREO_E2E_CAPABILITIES")?;
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    serde_json::from_str(&text).with_context(|| format!("{path} holds no capabilities"))
}

/// A variable of the environment that `cargo xtask` sets.
///
/// # Errors
/// If it does not.
pub fn variable(name: &str) -> Result<String> {
    env::var(name).with_context(|| {
        format!("{name} is not set; `cargo xtask test --browser chromium` runs these tests")
    })
}

//! The page that is for tests alone, driven by its script.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use choreo_chaos::conversation::{Account, Settings};
use serde::Deserialize;
use thirtyfour::{By, WebDriver};
use tokio::time::sleep;

use crate::round_trip::{RoundTrips, Sample};
use crate::visit::variable;

/// How long the page may take to load.
const LOAD: Duration = Duration::from_secs(30);
/// How long a measurement may take.
const MEASURE: Duration = Duration::from_secs(180);

/// Where a role is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the page's window.
    Window,
    /// In a worker of it.
    Worker,
}

/// The page, opened in a browser.
#[derive(Debug)]
pub struct TestPage {
    browser: WebDriver,
}

/// What the page shows where its script has failed.
#[derive(Deserialize)]
struct Failed {
    failed: String,
}

#[derive(Deserialize)]
struct Measured {
    samples: Vec<Sample>,
}

impl TestPage {
    /// Opens the page, and waits until its script is loaded.
    ///
    /// # Errors
    /// If it does not load.
    pub async fn open(browser: WebDriver) -> Result<Self> {
        let url = variable("CHOREO_E2E_TEST_PAGE")?;
        let opened = browser.goto(&url).await;
        opened.with_context(|| format!("cannot open {url}"))?;
        let page = Self { browser };
        let begun = Instant::now();
        while page.text("state").await? != "ready" {
            ensure!(begun.elapsed() < LOAD, "{url} is not ready");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(page)
    }

    /// The page's origin, as a relay is told of it.
    ///
    /// # Errors
    /// If the page's address is not known.
    pub fn origin() -> Result<String> {
        let url = variable("CHOREO_E2E_TEST_PAGE")?;
        Ok(url.trim_end_matches('/').to_owned())
    }

    /// Lets a role begin with its part in a conversation.
    ///
    /// # Errors
    /// If the page cannot be told.
    pub async fn play(&self, place: Place, settings: &Settings) -> Result<()> {
        let call = match place {
            Place::Window => "playInWindow",
            Place::Worker => "playInWorker",
        };
        self.call(call, serde_json::to_string(settings)?).await
    }

    /// How the role that is played there is; `None` while nothing is known of it.
    ///
    /// # Errors
    /// If the page cannot be asked, or its script has failed.
    pub async fn account(&self, place: Place) -> Result<Option<Account>> {
        let id = match place {
            Place::Window => "window",
            Place::Worker => "worker",
        };
        self.told(id).await
    }

    /// Measures round trips.
    ///
    /// # Errors
    /// If the page cannot be asked, its script fails, or it does not come to an end.
    pub async fn measure(&self, round_trips: &RoundTrips) -> Result<Vec<Sample>> {
        let settings = serde_json::to_string(round_trips)?;
        self.call("measure", settings).await?;
        let begun = Instant::now();
        loop {
            // Seldom: it takes time that is measured.
            sleep(Duration::from_millis(500)).await;
            if let Some(Measured { samples }) = self.told("measured").await? {
                return Ok(samples);
            }
            ensure!(begun.elapsed() < MEASURE, "the measurement does not end");
        }
    }

    async fn call(&self, function: &str, settings: String) -> Result<()> {
        let script = format!("page.{function}(arguments[0])");
        self.browser.execute(script, [settings.into()]).await?;
        Ok(())
    }

    async fn told<T: serde::de::DeserializeOwned>(&self, id: &str) -> Result<Option<T>> {
        let text = self.text(id).await?;
        if text.is_empty() {
            return Ok(None);
        }
        if let Ok(Failed { failed }) = serde_json::from_str(&text) {
            bail!("the page's script has failed: {failed}");
        }
        let told = serde_json::from_str(&text);
        told.with_context(|| format!("not what was to be told: {text}"))
    }

    async fn text(&self, id: &str) -> Result<String> {
        let element = self.browser.find(By::Id(id)).await;
        let element = element.with_context(|| format!("the page has no #{id}"))?;
        Ok(element.prop("textContent").await?.unwrap_or_default())
    }
}

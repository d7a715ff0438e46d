//! The page of two browsers as a person sees it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use thirtyfour::{By, WebDriver, WebElement};
use tokio::time::sleep;

use crate::visit::variable;

/// How long something may take that the page is to show.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whom the page meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// The relay, with the other role behind it.
    Relay,
    /// The native program that is Bob.
    Bob,
}

/// The page, opened in a browser.
#[derive(Debug)]
pub struct Window {
    browser: WebDriver,
}

impl Window {
    /// Opens the page with these settings in its query, and waits until its module is loaded.
    ///
    /// # Errors
    /// If it does not load.
    pub async fn open(browser: WebDriver, server: Server, query: &str) -> Result<Self> {
        // The servers outlive the tests of one browser: the next has sessions of its own.
        let own = format!("session={}-", variable("CHOREO_E2E_BROWSER")?);
        let query = query.replace("session=", &own);
        let url = match server {
            Server::Relay => format!("{}&{query}", variable("CHOREO_E2E_TWO_BROWSERS")?),
            Server::Bob => {
                let server = variable("CHOREO_E2E_NATIVE_SERVER")?;
                format!("{server}/two-browsers/?relay=/bob&{query}")
            }
        };
        browser.set_window_rect(0, 0, 1200, 1000).await?;
        let opened = browser.goto(&url).await;
        opened.with_context(|| format!("cannot open {url}"))?;
        let window = Self { browser };
        window.state("ready").await?;
        Ok(window)
    }

    /// Presses a button.
    ///
    /// # Errors
    /// If there is none of that id, or it cannot be pressed.
    pub async fn press(&self, id: &str) -> Result<()> {
        let found = self.browser.find(By::Id(id)).await;
        let button: WebElement = found.with_context(|| format!("the page has no #{id}"))?;
        Ok(button.click().await?)
    }

    /// Cuts the connection when a few more messages have come to a role, and waits until it has
    /// another.
    ///
    /// # Errors
    /// If the conversation does not go on.
    pub async fn cut(&self, role: &str) -> Result<()> {
        self.talks_on(role).await?;
        let connections = self.connections(role).await?;
        self.press("cut").await?;
        let another = async || Ok(self.connections(role).await? > connections);
        self.until("another connection is there", another).await
    }

    /// Waits until a few more messages have come to a role.
    ///
    /// # Errors
    /// If they do not come.
    pub async fn talks_on(&self, role: &str) -> Result<()> {
        let heard = self.count(role, "heard").await?;
        let more = async || Ok(self.count(role, "heard").await? >= heard + 3);
        self.until("messages come", more).await
    }

    /// Waits until the page is in that state.
    ///
    /// # Errors
    /// If it does not become so.
    pub async fn state(&self, wanted: &str) -> Result<()> {
        let state = async || -> Result<String> {
            self.read("document.getElementById('status').dataset.state")
                .await
        };
        let what = format!("the page is {wanted}");
        self.until(&what, async || Ok(state().await? == wanted))
            .await
    }

    /// How many messages of a role the page counts so: `said`, `heard`, `lost`, `repeated` or
    /// `reordered`. None before there is such a role.
    ///
    /// # Errors
    /// If the page cannot be asked.
    pub async fn count(&self, role: &str, name: &str) -> Result<u64> {
        let cell = format!("[data-role={role}] [data-count={name}]");
        self.number(&format!("'{cell}')?.textContent")).await
    }

    /// Waits until a role goes by that way.
    ///
    /// # Errors
    /// If it does not come to do so.
    pub async fn goes_by(&self, role: &str, way: &str) -> Result<()> {
        let cell = format!(
            "document.querySelector('#links [data-role={role}]')?.cells[2].textContent ?? ''"
        );
        let what = format!("{role} goes by {way}");
        self.until(&what, async || Ok(self.read(&cell).await? == way))
            .await
    }

    /// How many connections a role has had.
    ///
    /// # Errors
    /// If the page cannot be asked.
    pub async fn connections(&self, role: &str) -> Result<u64> {
        let cell = format!("'#links [data-role={role}]')?.cells[3].textContent");
        self.number(&cell).await
    }

    /// The text of an element; empty where it is hidden.
    ///
    /// # Errors
    /// If the page cannot be asked.
    pub async fn text(&self, id: &str) -> Result<String> {
        self.read(&format!("document.getElementById('{id}').innerText"))
            .await
    }

    /// Waits until an element shows all of these words at once.
    ///
    /// # Errors
    /// If it does not come to do so.
    pub async fn shows<const N: usize>(&self, id: &str, words: [&str; N]) -> Result<()> {
        let what = format!("#{id} shows {}", words.join(", "));
        let all = async || -> Result<bool> {
            let text = self.text(id).await?;
            Ok(words.iter().all(|word| text.contains(word)))
        };
        self.until(&what, all).await
    }

    /// A number that is shown somewhere; 0 where it is not shown yet.
    async fn number(&self, at: &str) -> Result<u64> {
        let expression = format!("document.querySelector({at} ?? ''");
        Ok(self.read(&expression).await?.parse().unwrap_or(0))
    }

    async fn read(&self, expression: &str) -> Result<String> {
        let read = self
            .browser
            .execute(format!("return {expression}"), [])
            .await?;
        Ok(read.convert()?)
    }

    async fn until(&self, what: &str, is_so: impl AsyncFn() -> Result<bool>) -> Result<()> {
        let started = Instant::now();
        while !is_so().await? {
            ensure!(
                started.elapsed() < PATIENCE,
                "{what}: not within a minute; the page says “{}”, its error “{}”",
                self.text("status").await?,
                self.text("error").await?
            );
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

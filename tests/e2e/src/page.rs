//! The demo page as a person sees it: what can be typed, ticked, pressed and read.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use thirtyfour::{By, Key, WebDriver, WebElement};
use tokio::time::sleep;

/// How long the page may take to load, or to run its protocol.
const PATIENCE: Duration = Duration::from_secs(30);

/// A layer that can be ticked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Logs each operation.
    Trace,
    /// Counts operations and bytes.
    Metrics,
    /// Gives up what takes too long.
    Timeout,
    /// Sends again what was not sent.
    Retry,
    /// Makes operations fail, by a seed and a rate.
    Faults,
}

impl Layer {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Trace,
        Self::Metrics,
        Self::Timeout,
        Self::Retry,
        Self::Faults,
    ];

    fn id(self) -> &'static str {
        match self {
            Self::Trace => "layer-trace",
            Self::Metrics => "layer-metrics",
            Self::Timeout => "layer-timeout",
            Self::Retry => "layer-retry",
            Self::Faults => "layer-faults",
        }
    }
}

/// What the page says about its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can be started.
    Ready,
    /// It runs.
    Running,
    /// It ended well.
    Done,
    /// It ended with an error.
    Failed,
}

/// The page, opened in a browser.
#[derive(Debug)]
pub struct Page {
    browser: WebDriver,
}

impl Page {
    /// Opens `url` and waits until its module is loaded.
    ///
    /// # Errors
    /// If it does not load.
    pub async fn open(browser: WebDriver, url: &str) -> Result<Self> {
        browser.set_window_rect(0, 0, 1200, 1000).await?;
        let opened = browser.goto(url).await;
        opened.with_context(|| format!("cannot open {url}"))?;
        let page = Self { browser };
        page.wait_for(&[State::Ready]).await?;
        Ok(page)
    }

    /// Types a message, in place of what is there.
    ///
    /// # Errors
    /// If the page has no such field.
    pub async fn type_message(&self, text: &str) -> Result<()> {
        self.type_into("message", text).await
    }

    /// Ticks the box of a layer, or takes the tick away.
    ///
    /// # Errors
    /// If the page has no such box.
    pub async fn tick(&self, layer: Layer, on: bool) -> Result<()> {
        self.set_box(layer.id(), on).await
    }

    /// Ticks these layers and no others.
    ///
    /// # Errors
    /// If a box is missing.
    pub async fn choose(&self, layers: &[Layer]) -> Result<()> {
        for layer in Layer::ALL {
            self.tick(layer, layers.contains(&layer)).await?;
        }
        Ok(())
    }

    /// Sets the faults: their seed, and how many operations of a hundred fail.
    ///
    /// # Errors
    /// If the fields are missing.
    pub async fn set_faults(&self, seed: u32, percent: u32) -> Result<()> {
        self.type_into("fault-seed", &seed.to_string()).await?;
        self.type_into("fault-rate", &percent.to_string()).await
    }

    /// Sets how long an operation may take, in milliseconds.
    ///
    /// # Errors
    /// If the field is missing.
    pub async fn set_limit(&self, milliseconds: u32) -> Result<()> {
        self.type_into("timeout-limit", &milliseconds.to_string())
            .await
    }

    /// Types into the field of that id, in place of what is there.
    ///
    /// # Errors
    /// If the page has no such field.
    pub async fn type_into(&self, field: &str, text: &str) -> Result<()> {
        let field = self.element(field).await?;
        field.clear().await?;
        if !text.is_empty() {
            field.send_keys(text).await?;
        }
        Ok(())
    }

    /// The ids of the fields that are marked as wrong.
    ///
    /// # Errors
    /// If the page cannot be asked.
    pub async fn wrong_fields(&self) -> Result<Vec<String>> {
        let script = "return [...document.querySelectorAll('[aria-invalid]')]\
                      .map(field => field.id)";
        Ok(self.browser.execute(script, []).await?.convert()?)
    }

    /// Sets how many rounds are played, and whether each step takes its time.
    ///
    /// # Errors
    /// If the fields are missing.
    pub async fn set_pace(&self, rounds: u32, slow: bool) -> Result<()> {
        self.type_into("rounds", &rounds.to_string()).await?;
        self.set_box("slow", slow).await
    }

    /// Presses the button and waits for the end, good or bad.
    ///
    /// # Errors
    /// If the button is missing, or the protocol does not end.
    pub async fn run(&self) -> Result<State> {
        self.press_run().await?;
        self.wait_for(&[State::Done, State::Failed]).await
    }

    /// Presses the button and returns while the protocol may still run.
    ///
    /// # Errors
    /// If the button is missing.
    pub async fn press_run(&self) -> Result<()> {
        self.forget_state().await?;
        Ok(self.element("run").await?.click().await?)
    }

    /// Presses Enter in the message field and waits for the end.
    ///
    /// # Errors
    /// If the field is missing, or the protocol does not end.
    pub async fn run_by_enter(&self) -> Result<State> {
        self.forget_state().await?;
        self.element("message").await?.send_keys(Key::Enter).await?;
        self.wait_for(&[State::Done, State::Failed]).await
    }

    /// Presses the button that stops a run, and waits until the page is ready again.
    ///
    /// # Errors
    /// If the button is missing, or the run does not stop.
    pub async fn stop(&self) -> Result<()> {
        self.wait_for(&[State::Running]).await?;
        self.element("stop").await?.click().await?;
        self.wait_for(&[State::Ready]).await?;
        Ok(())
    }

    /// Opens the page once more, with this query.
    ///
    /// # Errors
    /// If it does not load.
    pub async fn reopen(&self, query: &[(&str, &str)]) -> Result<State> {
        let mut url = self.browser.current_url().await?;
        url.query_pairs_mut().clear().extend_pairs(query);
        self.browser.goto(url.as_str()).await?;
        self.wait_for(&[State::Ready, State::Done, State::Failed])
            .await
    }

    /// Whether the page has an editor of specs.
    ///
    /// # Errors
    /// If the page has no place for it.
    pub async fn has_spec(&self) -> Result<bool> {
        Ok(self.element("spec").await?.is_displayed().await?)
    }

    /// The text of the spec.
    ///
    /// # Errors
    /// If the page has no place for it.
    pub async fn spec(&self) -> Result<String> {
        let text = self.element("spec").await?.prop("value").await?;
        Ok(text.unwrap_or_default())
    }

    /// Types into the spec behind that part of it.
    ///
    /// # Errors
    /// If the page has no place for it, or the spec no such part.
    pub async fn type_after(&self, part: &str, keys: &str) -> Result<()> {
        let text = self.spec().await?;
        let Some(found) = text.find(part) else {
            bail!("there is no {part} in {text}");
        };
        let script = "const area = document.getElementById('spec'); area.focus(); \
                      area.setSelectionRange(arguments[0], arguments[0])";
        let caret = found + part.len();
        self.browser.execute(script, [caret.into()]).await?;
        self.press(keys).await
    }

    /// Types where the caret is.
    ///
    /// # Errors
    /// If the browser cannot.
    pub async fn press(&self, keys: &str) -> Result<()> {
        Ok(self
            .browser
            .action_chain()
            .send_keys(keys)
            .perform()
            .await?)
    }

    /// Asks for suggestions at the caret.
    ///
    /// # Errors
    /// If the browser cannot.
    pub async fn press_control_space(&self) -> Result<()> {
        let keys = self.browser.action_chain().key_down(Key::Control);
        Ok(keys.send_keys(" ").key_up(Key::Control).perform().await?)
    }

    /// The suggestions, as their names, and which of them is chosen; none where they are closed.
    ///
    /// # Errors
    /// If the page cannot be asked.
    pub async fn suggestions(&self) -> Result<(Vec<String>, Option<String>)> {
        let script = "const area = document.getElementById('spec'); \
                      const list = document.getElementById(area.getAttribute('aria-controls')); \
                      if (list.hidden || area.getAttribute('role') !== 'combobox') return [[], null]; \
                      const name = (option) => option.querySelector('code').textContent; \
                      const chosen = document.getElementById(area.getAttribute('aria-activedescendant')); \
                      const right = chosen.getAttribute('aria-selected') === 'true'; \
                      return [[...list.children].map(name), right ? name(chosen) : null]";
        Ok(self.browser.execute(script, []).await?.convert()?)
    }

    /// Takes a suggestion by a click.
    ///
    /// # Errors
    /// If there is none of that name.
    pub async fn click_suggestion(&self, name: &str) -> Result<()> {
        for option in self.browser.find_all(By::Css("#spec-list li")).await? {
            if option.find(By::Tag("code")).await?.text().await? == name {
                return Ok(option.click().await?);
            }
        }
        bail!("there is no suggestion {name}")
    }

    /// What is said to be wrong with the spec, and the part of it that is marked.
    ///
    /// # Errors
    /// If the page cannot be asked.
    pub async fn spec_fault(&self) -> Result<(String, String)> {
        let script = "return [document.getElementById('spec-said').innerText, \
                      document.querySelector('#spec-editor mark').textContent]";
        Ok(self.browser.execute(script, []).await?.convert()?)
    }

    /// Whether a layer is ticked.
    ///
    /// # Errors
    /// If the page has no such box.
    pub async fn is_ticked(&self, layer: Layer) -> Result<bool> {
        Ok(self.element(layer.id()).await?.is_selected().await?)
    }

    /// What a field holds, or `None` where a person cannot change it.
    ///
    /// # Errors
    /// If the page has no such field.
    pub async fn field(&self, id: &str) -> Result<Option<String>> {
        let field = self.element(id).await?;
        Ok(if field.is_enabled().await? {
            field.prop("value").await?
        } else {
            None
        })
    }

    /// The reply.
    ///
    /// # Errors
    /// If the page has no place for it.
    pub async fn reply(&self) -> Result<String> {
        Ok(self.element("reply").await?.text().await?)
    }

    /// The error in words, or `None` if none is shown.
    ///
    /// # Errors
    /// If the page has no place for it.
    pub async fn error(&self) -> Result<Option<String>> {
        let error = self.element("error").await?;
        let shown = error.is_displayed().await?;
        Ok(if shown {
            Some(error.text().await?)
        } else {
            None
        })
    }

    /// The words in the picture of the run: roles and messages.
    ///
    /// # Errors
    /// If there is no picture.
    pub async fn diagram_text(&self) -> Result<String> {
        let script = "return document.querySelector('#diagram svg')?.textContent ?? null";
        let text = self.browser.execute(script, []).await?;
        let text = text
            .json()
            .as_str()
            .context("there is no <svg> in #diagram")?;
        Ok(text.to_owned())
    }

    /// How many elements the picture has so far; none before there is one.
    ///
    /// # Errors
    /// If the page cannot be asked.
    pub async fn diagram_size(&self) -> Result<usize> {
        let script = "return document.querySelectorAll('#diagram svg *').length";
        Ok(self.browser.execute(script, []).await?.convert()?)
    }

    /// The names of the elements in the picture, each once.
    ///
    /// # Errors
    /// If the page cannot be asked.
    pub async fn diagram_elements(&self) -> Result<Vec<String>> {
        let script = "return [...new Set([...document.querySelectorAll('#diagram *')]\
                      .map(element => element.localName))]";
        let names = self.browser.execute(script, []).await?;
        Ok(names.convert()?)
    }

    /// Whether the page has no element of this id.
    ///
    /// # Errors
    /// If the page cannot be asked.
    pub async fn no_element(&self, id: &str) -> Result<bool> {
        Ok(self.browser.find_all(By::Id(id)).await?.is_empty())
    }

    /// The source of the diagram.
    ///
    /// # Errors
    /// If the page has no place for it.
    pub async fn mermaid(&self) -> Result<String> {
        self.text_content("mermaid").await
    }

    /// The counters, as text.
    ///
    /// # Errors
    /// If the page has no place for them.
    pub async fn counters(&self) -> Result<String> {
        self.text_content("counters").await
    }

    /// The lines that Trace wrote.
    ///
    /// # Errors
    /// If the page has no place for them.
    pub async fn trace_log(&self) -> Result<String> {
        self.text_content("trace-log").await
    }

    /// The type of the stack.
    ///
    /// # Errors
    /// If the page has no place for it.
    pub async fn stack(&self) -> Result<String> {
        self.text_content("stack").await
    }

    /// What the page says about its protocol now, if it is one of the known words.
    ///
    /// # Errors
    /// If the page has no place for it.
    pub async fn state(&self) -> Result<Option<State>> {
        let state = self.element("status").await?.attr("data-state").await?;
        Ok(match state.as_deref() {
            Some("ready") => Some(State::Ready),
            Some("running") => Some(State::Running),
            Some("done") => Some(State::Done),
            Some("failed") => Some(State::Failed),
            _ => None,
        })
    }

    async fn wait_for(&self, states: &[State]) -> Result<State> {
        let started = Instant::now();
        loop {
            let now = self.state().await?;
            if let Some(state) = now.filter(|state| states.contains(state)) {
                return Ok(state);
            }
            if started.elapsed() > PATIENCE {
                bail!("the page is {now:?} and does not become one of {states:?}");
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The last run may have ended as the next one will: only what comes after now counts.
    async fn forget_state(&self) -> Result<()> {
        let script = "document.getElementById('status').dataset.state = 'pressed'";
        self.browser.execute(script, []).await?;
        Ok(())
    }

    async fn set_box(&self, id: &str, on: bool) -> Result<()> {
        let tick = self.element(id).await?;
        if tick.is_selected().await? != on {
            tick.click().await?;
        }
        Ok(())
    }

    async fn text_content(&self, id: &str) -> Result<String> {
        let text = self.element(id).await?.prop("textContent").await?;
        Ok(text.unwrap_or_default())
    }

    async fn element(&self, id: &str) -> Result<WebElement> {
        let found = self.browser.find(By::Id(id)).await;
        found.with_context(|| format!("the page has no #{id}"))
    }
}

//! The three browser engines, the drivers that steer them, and how each is started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::cargo_tools::CargoTool;
use crate::display::Display;
use crate::system;
use crate::workspace::Workspace;

/// A browser engine to test in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Browser {
    /// Chromium or Chrome
    Chromium,
    /// Firefox
    Firefox,
    /// Safari's engine, as the test browser of its Linux port
    Webkit,
}

impl Browser {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Chromium, Self::Firefox, Self::Webkit];

    /// Its name in reports and file names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::Webkit => "webkit",
        }
    }

    /// The Debian packages that bring what is missing of it.
    pub(crate) fn missing_packages(self) -> Vec<&'static str> {
        let wanted: &[(&'static str, bool)] = match self {
            Self::Chromium => &[
                ("chromium", self.binary().is_some()),
                ("chromium-driver", self.driver().is_some()),
            ],
            Self::Firefox => &[("firefox-esr", self.binary().is_some())],
            Self::Webkit => &[
                (
                    "webkit2gtk-driver",
                    self.driver().is_some() && self.binary().is_some(),
                ),
                ("xvfb", system::program(&["Xvfb"]).is_some()),
            ],
        };
        let missing = wanted.iter().filter(|(_, found)| !found);
        missing.map(|(package, _)| *package).collect()
    }

    /// The browser as it is installed here, or what is missing of it.
    pub(crate) fn find(self) -> std::result::Result<Installed, String> {
        let binary = self.binary().ok_or("the browser is not installed")?;
        let driver = self.driver().ok_or("its WebDriver is not installed")?;
        if self == Self::Webkit && system::program(&["Xvfb"]).is_none() {
            return Err("Xvfb, which gives it a display, is not installed".to_owned());
        }
        Ok(Installed {
            browser: self,
            binary,
            driver,
        })
    }

    fn binary(self) -> Option<PathBuf> {
        match self {
            Self::Chromium => system::program(&["chromium", "chromium-browser", "google-chrome"]),
            Self::Firefox => system::program(&["firefox-esr", "firefox"]),
            Self::Webkit => mini_browser(Path::new("/usr")),
        }
    }

    fn driver(self) -> Option<PathBuf> {
        match self {
            Self::Chromium => system::program(&["chromedriver"]),
            Self::Firefox => CargoTool::geckodriver().program("geckodriver").ok(),
            Self::Webkit => system::program(&["WebKitWebDriver"]),
        }
    }
}

/// A browser that can be started here.
pub(crate) struct Installed {
    pub(crate) browser: Browser,
    binary: PathBuf,
    /// Its driver.
    pub(crate) driver: PathBuf,
}

impl Installed {
    /// Prepares to run programs that start this browser.
    ///
    /// # Errors
    /// If its capabilities cannot be written, or its display cannot be started.
    pub(crate) fn prepare(self, workspace: &Workspace) -> Result<Ready> {
        let name = format!("{}.json", self.browser.name());
        let path = workspace.scratch("webdriver")?.join(name);
        let text = serde_json::to_string_pretty(&self.capabilities(system::is_root()))?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        let display = match self.browser {
            Browser::Webkit => Some(Display::start()?),
            Browser::Chromium | Browser::Firefox => None,
        };
        Ok(Ready {
            installed: self,
            capabilities: path,
            display,
        })
    }

    fn capabilities(&self, root: bool) -> Value {
        let binary = &self.binary;
        match self.browser {
            Browser::Chromium => {
                let mut args = vec![
                    "--headless=new",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    "--no-first-run",
                ];
                if root {
                    args.push("--no-sandbox");
                }
                json!({ "goog:chromeOptions": { "binary": binary, "args": args } })
            }
            Browser::Firefox => {
                // A service worker would be ended while its tests run: half a minute after they began.
                let prefs = json!({ "dom.serviceWorkers.idle_timeout": 10 * 60 * 1000 });
                json!({ "moz:firefoxOptions": { "binary": binary, "args": ["-headless"], "prefs": prefs } })
            }
            Browser::Webkit => {
                json!({ "webkitgtk:browserOptions": { "binary": binary, "args": ["--automation"] } })
            }
        }
    }
}

/// A browser that programs can start through its driver.
pub(crate) struct Ready {
    installed: Installed,
    /// A file with the capabilities that tell the driver how to start it.
    pub(crate) capabilities: PathBuf,
    /// For a browser without a headless mode.
    display: Option<Display>,
}

impl Ready {
    /// Which browser it is.
    pub(crate) fn browser(&self) -> Browser {
        self.installed.browser
    }

    /// Its driver.
    pub(crate) fn driver(&self) -> &Path {
        &self.installed.driver
    }

    /// Lets `command` and the driver that it starts find the display.
    pub(crate) fn show(&self, command: &mut Command) {
        if let Some(display) = &self.display {
            command.env("DISPLAY", display.name());
            command.env("GDK_BACKEND", "x11");
            command.env_remove("WAYLAND_DISPLAY");
            if system::is_root() {
                command.env("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1");
            }
        }
    }

    /// Tells wasm-bindgen's test runner which driver to use, and hides all others from it.
    pub(crate) fn steer(&self, command: &mut Command) {
        for variable in ["CHROMEDRIVER", "GECKODRIVER", "SAFARIDRIVER"] {
            command.env_remove(variable);
            command.env_remove(format!("{variable}_REMOTE"));
        }
        let variable = match self.browser() {
            Browser::Chromium => "CHROMEDRIVER",
            Browser::Firefox => "GECKODRIVER",
            Browser::Webkit => "SAFARIDRIVER",
        };
        command.env(variable, self.driver());
        if self.browser() == Browser::Webkit {
            // Its last tier of optimization was seen to break a debug build: an assertion failed
            // whose two sides, printed a moment later, were equal. The pages run with it.
            command.env("JSC_useOMGJIT", "0");
        }
        command.env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &self.capabilities);
        self.show(command);
    }

    /// Whether suites can be run without any compiler, besides; then makes a command do so.
    ///
    /// The first tier of `WebKit`, too, was seen to break a debug build or to stand still, once in
    /// hundreds of runs. Its interpreter, five times slower, is the judge of what failed.
    pub(crate) fn interpret(&self, command: &mut Command) -> bool {
        let webkit = self.browser() == Browser::Webkit;
        if webkit {
            command.env("JSC_useBBQJIT", "0");
            command.env("WASM_BINDGEN_TEST_TIMEOUT", "600");
        }
        webkit
    }
}

/// The test browser of Safari's engine, which lies outside of `PATH`: below `lib/<architecture>` on
/// Debian, below `libexec` elsewhere; of several versions the last.
fn mini_browser(usr: &Path) -> Option<PathBuf> {
    let children = |dir: &Path| {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let (lib, libexec) = (usr.join("lib"), usr.join("libexec"));
    let mut found: Vec<PathBuf> = children(&lib)
        .into_iter()
        .chain([lib, libexec])
        .flat_map(|dir| children(&dir))
        .filter(|dir| {
            let name = dir.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("webkit2gtk-") || name.starts_with("webkitgtk-")
        })
        .map(|dir| dir.join("MiniBrowser"))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found.pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chromium() -> Installed {
        Installed {
            browser: Browser::Chromium,
            binary: "/usr/bin/chromium".into(),
            driver: "/usr/bin/chromedriver".into(),
        }
    }

    #[test]
    fn only_root_goes_without_the_sandbox() {
        let plain = chromium().capabilities(false).to_string();
        let root = chromium().capabilities(true).to_string();
        assert!(!plain.contains("--no-sandbox"));
        assert!(root.contains("--no-sandbox"));
    }

    #[test]
    fn exactly_one_driver_is_named() {
        let mut command = Command::new("runner");
        let ready = Ready {
            installed: chromium(),
            capabilities: "caps.json".into(),
            display: None,
        };
        ready.steer(&mut command);
        let set: Vec<_> = command
            .get_envs()
            .filter(|(key, value)| key.to_string_lossy().ends_with("DRIVER") && value.is_some())
            .collect();
        assert_eq!(set.len(), 1);
        assert_eq!(set[0].0, "CHROMEDRIVER");
    }

    #[test]
    fn the_mini_browser_is_found_on_any_architecture() {
        let usr = tempfile::tempdir().unwrap();
        assert_eq!(mini_browser(usr.path()), None);
        for version in ["4.0", "4.1"] {
            let dir = usr.path().join("lib/riscv64-linux-gnu");
            let dir = dir.join(format!("webkit2gtk-{version}"));
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("MiniBrowser"), "").unwrap();
        }
        let found = mini_browser(usr.path()).unwrap();
        assert!(found.ends_with("lib/riscv64-linux-gnu/webkit2gtk-4.1/MiniBrowser"));
    }
}

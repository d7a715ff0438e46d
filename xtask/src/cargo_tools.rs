//! Tools that cargo builds, in a cache of the user's, one folder for each version.
//!
//! The cache outlives clones: a second clone finds what the first one built. It lies in
//! `$CHOREO_TOOLS`, or in `choreo/tools` of the user's cache folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};
use etcetera::BaseStrategy;
use fs4::FileExt;

use crate::exec;
use crate::workspace::Workspace;

/// The version that drives Firefox for us.
const GECKODRIVER: &str = "0.37.1";
/// The version that shows that the example also builds and tests the usual way.
const WASM_PACK: &str = "0.15.1";
/// The version that checks licences and sources.
const CARGO_DENY: &str = "0.20.2";

/// One tool at one version.
pub(crate) struct CargoTool {
    package: &'static str,
    version: String,
    /// Its programs; the first one says whether it is there.
    programs: &'static [&'static str],
    /// Whether only this very version will do.
    exact: bool,
}

impl CargoTool {
    /// `wasm-bindgen` and its test runner, at the very version that Cargo.lock names: the
    /// two must agree to the last digit.
    pub(crate) fn wasm_bindgen(workspace: &Workspace) -> Result<Self> {
        let path = workspace.root().join("Cargo.lock");
        let lock =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let version = locked_version(&lock, "wasm-bindgen")
            .with_context(|| format!("cannot tell the version from {}", path.display()))?;
        Ok(Self {
            package: "wasm-bindgen-cli",
            version,
            programs: &["wasm-bindgen", "wasm-bindgen-test-runner"],
            exact: true,
        })
    }

    /// The driver of Firefox.
    pub(crate) fn geckodriver() -> Self {
        Self {
            package: "geckodriver",
            version: GECKODRIVER.to_owned(),
            programs: &["geckodriver"],
            exact: false,
        }
    }

    /// The tool with which people usually build wasm packages.
    pub(crate) fn wasm_pack() -> Self {
        Self {
            package: "wasm-pack",
            version: WASM_PACK.to_owned(),
            programs: &["wasm-pack"],
            exact: false,
        }
    }

    /// The tool that checks licences, sources and advisories of dependencies.
    pub(crate) fn cargo_deny() -> Self {
        Self {
            package: "cargo-deny",
            version: CARGO_DENY.to_owned(),
            programs: &["cargo-deny"],
            exact: false,
        }
    }

    /// Its name and version.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.package, self.version)
    }

    /// The folder that holds its programs: in the cache, or wherever `PATH` finds them.
    pub(crate) fn find(&self) -> Option<PathBuf> {
        let cached = self.home().ok()?.join("bin");
        if self.is_in(&cached) {
            return Some(cached);
        }
        let found = which::which(self.programs[0]).ok()?;
        let dir = found.parent()?;
        let usable = self.is_in(dir) && (!self.exact || self.is_version_of(&found));
        usable.then(|| dir.to_path_buf())
    }

    /// The path of one of its programs.
    ///
    /// # Errors
    /// If the tool is not installed.
    pub(crate) fn program(&self, name: &str) -> Result<PathBuf> {
        let dir = self
            .find()
            .ok_or_else(|| anyhow!("{} is not installed; run `cargo xtask setup`", self.title()))?;
        Ok(dir.join(executable(name)))
    }

    /// Builds it into the cache, unless it is there.
    ///
    /// # Errors
    /// If the cache cannot be written, or cargo cannot build the tool.
    pub(crate) fn ensure(&self) -> Result<()> {
        if self.find().is_some() {
            return Ok(());
        }
        let home = self.home()?;
        let cache = home.parent().context("the cache has a folder")?;
        fs::create_dir_all(cache)
            .with_context(|| format!("cannot create the tool cache {}", cache.display()))?;
        let _lock = self.lock(cache)?;
        // Another process may have built it while we waited.
        if self.is_in(&home.join("bin")) {
            return Ok(());
        }
        // Built aside and renamed: an interrupted build leaves no half tool behind.
        let aside = cache.join(format!(".building-{}-{}", self.package, self.version));
        if aside.exists() {
            fs::remove_dir_all(&aside)
                .with_context(|| format!("cannot remove {}", aside.display()))?;
        }
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo
            .args(["install", self.package, "--version"])
            .arg(format!("={}", self.version))
            .arg("--root")
            .arg(&aside)
            .arg("--target-dir")
            .arg(aside.join("build"))
            // Away from the workspace: its configuration is not the tool's.
            .current_dir(cache)
            .env_remove("CARGO_BUILD_TARGET")
            .env_remove("RUSTFLAGS");
        exec::step(&format!("build {}", self.title()), |status| {
            exec::succeed(&mut cargo, status)?;
            fs::remove_dir_all(aside.join("build")).context("cannot remove the build folder")?;
            fs::rename(&aside, &home)
                .with_context(|| format!("cannot move {} into the cache", aside.display()))
        })
    }

    /// Where it lies in the cache.
    fn home(&self) -> Result<PathBuf> {
        Ok(cache()?.join(format!("{}-{}", self.package, self.version)))
    }

    fn lock(&self, cache: &Path) -> Result<File> {
        let path = cache.join(format!(".lock-{}-{}", self.package, self.version));
        let file = File::create(&path)
            .with_context(|| format!("cannot create the lock {}", path.display()))?;
        if FileExt::try_lock(&file).is_err() {
            eprintln!("waiting for another process that installs {}", self.title());
            FileExt::lock(&file).with_context(|| format!("cannot lock {}", path.display()))?;
        }
        Ok(file)
    }

    fn is_in(&self, dir: &Path) -> bool {
        let is_file = |name: &&str| dir.join(executable(name)).is_file();
        self.programs.iter().all(is_file)
    }

    fn is_version_of(&self, program: &Path) -> bool {
        let Ok(output) = Command::new(program).arg("--version").output() else {
            return false;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        text.split_whitespace().nth(1) == Some(&self.version)
    }
}

/// The folder of all tools.
fn cache() -> Result<PathBuf> {
    if let Some(dir) = std::env::var_os("CHOREO_TOOLS") {
        return std::path::absolute(dir).context("CHOREO_TOOLS is not a path");
    }
    let base = etcetera::choose_base_strategy()
        .context("no home folder for the tool cache; set CHOREO_TOOLS to a folder")?;
    Ok(base.cache_dir().join("choreo").join("tools"))
}

fn executable(name: &str) -> String {
    format!("{name}{}", std::env::consts::EXE_SUFFIX)
}

/// The version of `package` in a Cargo.lock.
fn locked_version(lock: &str, package: &str) -> Result<String> {
    let lock: toml::Table = lock.parse().context("not a lock file")?;
    let packages = lock.get("package").and_then(toml::Value::as_array);
    packages
        .into_iter()
        .flatten()
        .find(|entry| entry.get("name").and_then(toml::Value::as_str) == Some(package))
        .and_then(|entry| entry.get("version")?.as_str())
        .map(str::to_owned)
        .ok_or_else(|| anyhow!("there is no package `{package}` in it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
        version = 4

        [[package]]
        name = "wasm-bindgen-futures"
        version = "0.4.80"

        [[package]]
        name = "wasm-bindgen"
        version = "0.2.130"
        dependencies = ["cfg-if"]
    "#;

    #[test]
    fn the_version_is_the_locked_one() {
        assert_eq!(locked_version(LOCK, "wasm-bindgen").unwrap(), "0.2.130");
    }

    #[test]
    fn a_lock_without_the_package_is_an_error_that_names_it() {
        let error = locked_version(LOCK, "gloo").unwrap_err();
        assert!(error.to_string().contains("`gloo`"));
        assert!(locked_version("version = ", "gloo").is_err());
    }

    #[test]
    fn a_tool_is_known_by_its_version() {
        let home = CargoTool::geckodriver().home().unwrap();
        assert!(home.ends_with(format!("geckodriver-{GECKODRIVER}")));
    }
}

//! Tools that cargo builds: into the cache, if `PATH` has no suitable one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};

use crate::cache::Slot;
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
        let cached = self.slot().ok()?.dir().join("bin");
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
        self.slot()?.fill(|dir, status| {
            let build = dir.join("build");
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
            cargo
                .args(["install", self.package, "--version"])
                .arg(format!("={}", self.version))
                .arg("--root")
                .arg(dir)
                .arg("--target-dir")
                .arg(&build)
                // A quarter less time to build, and as quick at what they do here.
                .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
                // Away from the workspace: its configuration is not the tool's.
                .current_dir(dir)
                .env_remove("CARGO_BUILD_TARGET")
                .env_remove("RUSTFLAGS");
            exec::succeed(&mut cargo, status)?;
            fs::remove_dir_all(&build).context("cannot remove the build folder")
        })
    }

    fn slot(&self) -> Result<Slot> {
        Slot::new(self.package, &self.version)
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
        let slot = CargoTool::geckodriver().slot().unwrap();
        assert!(slot.dir().ends_with(format!("geckodriver-{GECKODRIVER}")));
    }
}

//! Where the workspace is, which packages it has, and the `cargo` that builds it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};
use cargo_metadata::{Metadata, MetadataCommand, Package};

/// The target that browsers and Node run.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The browser example of two roles in one page.
pub(crate) const PING_PONG: &str = "wasm-ping-pong";

/// Its features as it is shown: with an editor of stacks.
pub(crate) const PING_PONG_DEMO: &[&str] = &["spec"];

/// The browser example of one role in each page.
pub(crate) const TWO_BROWSERS: &str = "two-browsers";

/// The example of a native role that browsers call.
pub(crate) const NATIVE_SERVER: &str = "native-server";

/// The server that roles meet at, and its program.
pub(crate) const RELAY: &str = "choreo-relay";

/// The example of a role in edge runtimes.
pub(crate) const EDGE: &str = "edge";

/// The transport that works wherever there is a `fetch`.
pub(crate) const FETCH: &str = "choreo-transport-fetch";

/// The page that tests drive by its script.
pub(crate) const TEST_PAGE: &str = "choreo-test-page";

/// A small program, and what plug-ins add to it.
pub(crate) const SIZE: &str = "choreo-test-size";

/// The packages of all pages.
pub(crate) const PAGES: [&str; 3] = [PING_PONG, TWO_BROWSERS, TEST_PAGE];

/// The package of the end-to-end tests of all pages.
pub(crate) const E2E: &str = "choreo-e2e";

/// This workspace, as `cargo metadata` describes it.
pub(crate) struct Workspace {
    metadata: Metadata,
}

impl Workspace {
    /// Asks cargo about the members, which needs no network.
    pub(crate) fn load() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let metadata = MetadataCommand::new()
            .manifest_path(&manifest)
            .no_deps()
            .exec()
            .with_context(|| format!("cargo metadata failed for {}", manifest.display()))?;
        Ok(Self { metadata })
    }

    /// The folder of the root manifest.
    pub(crate) fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// The folder of the examples: their pages share a style.
    pub(crate) fn examples(&self) -> PathBuf {
        self.root().join("examples")
    }

    /// Cargo's target folder.
    pub(crate) fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// A folder of our own below the target folder, created if need be.
    pub(crate) fn scratch(&self, name: &str) -> Result<PathBuf> {
        let dir = self.target().join("xtask").join(name);
        std::fs::create_dir_all(&dir)
            .with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(dir)
    }

    /// The cargo that runs us, in the workspace's root.
    pub(crate) fn cargo<I, S>(&self, args: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        command.current_dir(self.root()).args(args);
        command
    }

    /// The member of this name.
    pub(crate) fn package(&self, name: &str) -> Result<&Package> {
        self.metadata
            .workspace_packages()
            .into_iter()
            .find(|package| package.name == name)
            .ok_or_else(|| anyhow!("the workspace has no package `{name}`"))
    }

    /// The member in this folder.
    pub(crate) fn package_in(&self, dir: &Path) -> Result<&Package> {
        self.metadata
            .workspace_packages()
            .into_iter()
            .find(|package| {
                package
                    .manifest_path
                    .parent()
                    .is_some_and(|parent| parent == dir)
            })
            .ok_or_else(|| anyhow!("the workspace has no package in {}", dir.display()))
    }

    /// The folder of the member of this name.
    pub(crate) fn package_dir(&self, name: &str) -> Result<PathBuf> {
        let manifest = &self.package(name)?.manifest_path;
        let dir = manifest.parent().context("a manifest lies in a folder")?;
        Ok(dir.as_std_path().to_path_buf())
    }

    /// The members that others can depend on: the published libraries.
    pub(crate) fn libraries(&self) -> Vec<&Package> {
        self.metadata
            .workspace_packages()
            .into_iter()
            .filter(|package| package.publish.as_ref().is_none_or(|to| !to.is_empty()))
            .collect()
    }

    /// The members that are no libraries and name what runs tests on wasm: examples with suites there.
    pub(crate) fn wasm_examples(&self) -> Vec<&str> {
        let members = self.metadata.workspace_packages().into_iter();
        let with_suites = members.filter(|package| {
            let mut needs = package.dependencies.iter();
            package.publish.as_ref().is_some_and(Vec::is_empty)
                && needs.any(|dependency| dependency.name == "wasm-bindgen-test")
        });
        with_suites.map(|package| package.name.as_str()).collect()
    }

    /// The features of each library, by package name.
    pub(crate) fn library_features(&self) -> BTreeMap<String, Vec<String>> {
        features(self.libraries())
    }

    /// As `library_features`, without what its manifest says to be for native programs only.
    pub(crate) fn wasm_library_features(&self) -> BTreeMap<String, Vec<String>> {
        let mut libraries = self.libraries();
        libraries.retain(|package| package.metadata["choreo"]["native-only"] != true);
        features(libraries)
    }
}

fn features(packages: Vec<&Package>) -> BTreeMap<String, Vec<String>> {
    let features = |package: &Package| package.features.keys().cloned().collect();
    packages
        .into_iter()
        .map(|package| (package.name.to_string(), features(package)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_with_suites_for_wasm_are_found() {
        let workspace = Workspace::load().unwrap();
        let mut examples = workspace.wasm_examples();
        examples.sort_unstable();
        assert_eq!(examples, ["custom-layer", "custom-transport", PING_PONG]);
    }
}

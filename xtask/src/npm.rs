//! Tools from npm: into the cache, if `PATH` has none.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cache::Slot;
use crate::exec;
use crate::system;

/// The version of Deno that tests run in.
const DENO: &str = "2.9.6";
/// The version of Cloudflare's runtime that tests run in.
const WORKERD: &str = "1.20261117.1";

/// One tool at one version, whose package brings a program for each system in a package of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NpmTool {
    package: &'static str,
    version: &'static str,
    /// The folder of the packages for systems, of which npm installs the one that fits.
    systems: &'static str,
    /// The program within such a package.
    program: &'static str,
}

impl NpmTool {
    /// Deno.
    pub(crate) const fn deno() -> Self {
        Self {
            package: "deno",
            version: DENO,
            systems: "@deno",
            program: "deno",
        }
    }

    /// `workerd`, the runtime of Cloudflare Workers.
    pub(crate) const fn workerd() -> Self {
        Self {
            package: "workerd",
            version: WORKERD,
            systems: "@cloudflare",
            program: "bin/workerd",
        }
    }

    /// Its name and version.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.package, self.version)
    }

    /// Its program: in the cache, or wherever `PATH` finds it. The program itself rather than the
    /// script in front of it, which would leave it running when it is killed.
    pub(crate) fn find(&self) -> Option<PathBuf> {
        let cached = self.slot().ok().and_then(|slot| self.program(&slot.dir()));
        cached.or_else(|| system::program(&[self.package]))
    }

    /// Installs it into the cache, unless it is there.
    ///
    /// # Errors
    /// If there is no npm, it fails, or it has none for this system.
    pub(crate) fn ensure(&self) -> Result<()> {
        if self.find().is_some() {
            return Ok(());
        }
        let npm = npm().with_context(|| format!("{}: install npm, or it", self.title()))?;
        self.slot()?.fill(|dir, status| {
            let mut install = install(&npm, dir, self.package, self.version);
            exec::succeed(&mut install, status)?;
            let there = self.program(dir).is_some();
            ensure!(there, "npm has no {} for this system", self.title());
            Ok(())
        })
    }

    fn slot(&self) -> Result<Slot> {
        Slot::new(self.package, self.version)
    }

    fn program(&self, dir: &Path) -> Option<PathBuf> {
        let systems = fs::read_dir(dir.join("node_modules").join(self.systems)).ok()?;
        let name = format!("{}{}", self.program, std::env::consts::EXE_SUFFIX);
        let mut programs = systems.flatten().map(|system| system.path().join(&name));
        programs.find(|program| program.is_file())
    }
}

/// The program that installs from npm.
pub(crate) fn npm() -> Option<PathBuf> {
    system::program(&["npm"])
}

/// The command that installs a package into a folder, with no script of its own running.
pub(crate) fn install(npm: &Path, dir: &Path, package: &str, version: &str) -> Command {
    let mut install = Command::new(npm);
    install
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
        .arg("--prefix")
        .arg(dir)
        .arg(format!("{package}@{version}"))
        .current_dir(dir);
    install
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_that_of_this_system() {
        let dir = tempfile::tempdir().unwrap();
        let tool = NpmTool::workerd();
        assert_eq!(tool.program(dir.path()), None);
        let name = format!("workerd{}", std::env::consts::EXE_SUFFIX);
        let bin = "node_modules/@cloudflare/workerd-linux-64/bin";
        let program = dir.path().join(bin).join(name);
        fs::create_dir_all(program.parent().unwrap()).unwrap();
        assert_eq!(tool.program(dir.path()), None);
        fs::write(&program, "x").unwrap();
        assert_eq!(tool.program(dir.path()), Some(program));
    }
}

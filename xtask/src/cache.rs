//! A cache of tools that outlives clones: a second clone finds what the first one built.
//!
//! It lies in `$CHOREO_TOOLS`, or in `choreo/tools` of the user's cache folder, and has one
//! folder for each tool at each version.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use etcetera::BaseStrategy;
use fs4::FileExt;

use crate::exec;
use crate::progress::Status;

/// The place of one tool at one version.
pub(crate) struct Slot {
    title: String,
    cache: PathBuf,
    name: String,
}

impl Slot {
    /// The place of `tool` at `version`, whether or not it is there.
    ///
    /// # Errors
    /// If this user has no folder for a cache.
    pub(crate) fn new(tool: &str, version: &str) -> Result<Self> {
        Ok(Self {
            title: format!("{tool} {version}"),
            cache: cache()?,
            name: format!("{tool}-{version}"),
        })
    }

    /// Its folder, once it is filled.
    pub(crate) fn dir(&self) -> PathBuf {
        self.cache.join(&self.name)
    }

    /// Fills it, unless another process has done so or does. `install` fills the folder
    /// that it is given; it is renamed after that, so that an interrupted install leaves no
    /// half tool behind.
    ///
    /// # Errors
    /// If the cache cannot be written, or `install` fails.
    pub(crate) fn fill(&self, install: impl FnOnce(&Path, &Status) -> Result<()>) -> Result<()> {
        fs::create_dir_all(&self.cache)
            .with_context(|| format!("cannot create the cache {}", self.cache.display()))?;
        let _lock = self.lock()?;
        if self.dir().exists() {
            return Ok(());
        }
        let aside = self.cache.join(format!(".installing-{}", self.name));
        if aside.exists() {
            fs::remove_dir_all(&aside)
                .with_context(|| format!("cannot remove {}", aside.display()))?;
        }
        fs::create_dir(&aside).with_context(|| format!("cannot create {}", aside.display()))?;
        exec::step(&format!("install {}", self.title), |status| {
            install(&aside, status)?;
            fs::rename(&aside, self.dir())
                .with_context(|| format!("cannot move {} into its place", aside.display()))
        })
    }

    fn lock(&self) -> Result<File> {
        let path = self.cache.join(format!(".lock-{}", self.name));
        let file = File::create(&path)
            .with_context(|| format!("cannot create the lock {}", path.display()))?;
        if FileExt::try_lock(&file).is_err() {
            eprintln!("waiting for another process that installs {}", self.title);
            FileExt::lock(&file).with_context(|| format!("cannot lock {}", path.display()))?;
        }
        Ok(file)
    }
}

fn cache() -> Result<PathBuf> {
    if let Some(dir) = std::env::var_os("CHOREO_TOOLS") {
        return std::path::absolute(dir).context("CHOREO_TOOLS is not a path");
    }
    let base = etcetera::choose_base_strategy()
        .context("no home folder for the tool cache; set CHOREO_TOOLS to a folder")?;
    Ok(base.cache_dir().join("choreo").join("tools"))
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    fn slot(cache: &Path) -> Slot {
        Slot {
            title: "tool 1".to_owned(),
            cache: cache.to_path_buf(),
            name: "tool-1".to_owned(),
        }
    }

    #[test]
    fn a_filled_slot_is_not_filled_again() {
        let cache = tempfile::tempdir().unwrap();
        let slot = slot(cache.path());
        let install = |dir: &Path, _: &Status| Ok(fs::write(dir.join("tool"), "x")?);
        slot.fill(install).unwrap();
        assert!(slot.dir().join("tool").is_file());
        slot.fill(|_, _| bail!("again")).unwrap();
    }

    #[test]
    fn a_failed_install_leaves_nothing_half() {
        let cache = tempfile::tempdir().unwrap();
        let slot = slot(cache.path());
        let half = |dir: &Path, _: &Status| {
            fs::write(dir.join("half"), "x")?;
            bail!("interrupted")
        };
        assert!(slot.fill(half).is_err());
        assert!(!slot.dir().exists());
        slot.fill(|_, _| Ok(())).unwrap();
        assert!(!slot.dir().join("half").exists());
    }

    #[test]
    fn two_that_install_at_once_install_once() {
        let cache = tempfile::tempdir().unwrap();
        let installs = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let install = |_: &Path, _: &Status| {
                        std::thread::sleep(std::time::Duration::from_millis(100));
                        installs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        Ok(())
                    };
                    slot(cache.path()).fill(install).unwrap();
                });
            }
        });
        assert_eq!(installs.into_inner(), 1);
    }
}

//! `wasm-opt`, from npm's build of binaryen, if `PATH` has no suitable one.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::cache::Slot;
use crate::exec;
use crate::npm;
use crate::system;

/// The version that the size budget is measured with.
const BINARYEN: &str = "132.0.0";

/// The oldest that will do. Version 108, which Debian 12 has, writes a wrong index where a
/// second table is exported, and wasm-bindgen exports one: the module then does not start.
const OLDEST: u32 = 119;

/// Where it is: in the cache, or wherever `PATH` finds one that is new enough.
pub(crate) fn find() -> Option<PathBuf> {
    let cached = slot().ok()?.dir().join("node_modules/.bin/wasm-opt");
    if cached.exists() && system::program(&["node"]).is_some() {
        return Some(cached);
    }
    let found = system::program(&["wasm-opt"])?;
    let output = Command::new(&found).arg("--version").output().ok()?;
    let version = version(&String::from_utf8_lossy(&output.stdout))?;
    (version >= OLDEST).then_some(found)
}

/// Installs it into the cache, unless it is there.
///
/// # Errors
/// If there is no npm, or it fails.
pub(crate) fn ensure() -> Result<()> {
    if find().is_some() {
        return Ok(());
    }
    let npm = npm::npm().with_context(|| {
        format!("wasm-opt: install npm, or binaryen at version {OLDEST} or later")
    })?;
    slot()?.fill(|dir, status| {
        let mut install = npm::install(&npm, dir, "binaryen", BINARYEN);
        exec::succeed(&mut install, status)?;
        Ok(())
    })
}

fn slot() -> Result<Slot> {
    Slot::new("binaryen", BINARYEN)
}

/// The number in `wasm-opt version 132 (version_132)`.
fn version(text: &str) -> Option<u32> {
    text.split_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read() {
        assert_eq!(version("wasm-opt version 108"), Some(108));
        assert_eq!(version("wasm-opt version 132 (version_132)\n"), Some(132));
        assert_eq!(version(""), None);
    }
}

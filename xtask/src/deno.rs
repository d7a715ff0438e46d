//! Deno, as the runner of the wasm suites starts it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::npm::NpmTool;
use crate::workspace::Workspace;

/// The runner's script takes the global scope for a `window`, as Deno 1 called it.
const WINDOW: &str = "globalThis.window = globalThis;\n";

/// The folder of a `deno` that lets programs talk to servers, for the runner does not ask for it.
///
/// # Errors
/// If Deno is not installed, or the folder cannot be written.
pub(crate) fn for_runner(workspace: &Workspace) -> Result<PathBuf> {
    let deno = NpmTool::deno().find().context("Deno is not installed")?;
    let dir = workspace.scratch("deno")?;
    let window = dir.join("window.js");
    let script = format!(
        "#!/bin/sh\n# Called as `deno run --allow-read FILE`.\nshift\n\
         exec '{}' run --allow-net '--preload={}' \"$@\"\n",
        deno.display(),
        window.display(),
    );
    let path = dir.join("deno");
    fs::write(&window, WINDOW).with_context(|| format!("cannot write {}", window.display()))?;
    fs::write(&path, script).with_context(|| format!("cannot write {}", path.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(dir)
}

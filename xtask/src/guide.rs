//! The way of the guide: the example built and tested with wasm-pack.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context, Result};

use crate::browsers::Ready;
use crate::cargo_tools::CargoTool;
use crate::report::Report;
use crate::system;
use crate::workspace::{EXAMPLE, Workspace};

/// Runs `build.sh` and `wasm-pack test` in the example's folder, each a step.
///
/// # Errors
/// If there is no example.
pub(crate) fn run(workspace: &Workspace, chromium: &Ready, report: &mut Report) -> Result<()> {
    let dir = workspace.package_dir(EXAMPLE)?;
    // Without wasm-opt, wasm-pack would download one.
    if CargoTool::wasm_pack().find().is_none() || system::program(&["wasm-opt"]).is_none() {
        report.absent("wasm-pack", "wasm-pack or wasm-opt is not installed");
        return Ok(());
    }
    let path = path_with_tools(workspace)?;

    let mut build = Command::new("./build.sh");
    build.current_dir(&dir).env("PATH", &path);
    report.command("build.sh", &mut build);

    let wasm_pack = CargoTool::wasm_pack().program("wasm-pack")?;
    let mut test = Command::new(wasm_pack);
    test.args(["test", "--headless", "--chrome", "--chromedriver"])
        .arg(chromium.driver())
        .current_dir(&dir);
    chromium.steer(&mut test);
    test.env("PATH", &path)
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60")
        .env("WASM_BINDGEN_TEST_TIMEOUT", "180");
    report.command("wasm-pack test --headless --chrome", &mut test);
    Ok(())
}

/// `PATH` with our tools first: wasm-pack takes those of the right version from there and
/// downloads nothing.
fn path_with_tools(workspace: &Workspace) -> Result<OsString> {
    let tools = [CargoTool::wasm_pack(), CargoTool::wasm_bindgen(workspace)?];
    let mut dirs = Vec::new();
    for tool in &tools {
        let missing = || format!("{} is not installed", tool.title());
        dirs.push(tool.find().with_context(missing)?);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    dirs.extend(env::split_paths(&path));
    env::join_paths(dirs).context("a folder of PATH has a strange name")
}

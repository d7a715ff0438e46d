//! The way of the guide: the example built and tested with wasm-pack.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::browsers::Ready;
use crate::cargo_tools::CargoTool;
use crate::report::Report;
use crate::wasm_opt;
use crate::workspace::{PING_PONG, Workspace};

/// Runs `build.sh` and `wasm-pack test` in the example's folder, each a step.
///
/// # Errors
/// If there is no example.
pub(crate) fn run(workspace: &Workspace, chromium: &Ready, report: &Report) -> Result<()> {
    let dir = workspace.package_dir(PING_PONG)?;
    let (Some(wasm_pack), Some(wasm_opt)) = (CargoTool::wasm_pack().find(), wasm_opt::find())
    else {
        report.absent("wasm-pack", "wasm-pack or wasm-opt is not installed");
        return Ok(());
    };
    let bindgen = CargoTool::wasm_bindgen(workspace)?.program("wasm-bindgen")?;
    let path = path_with([&wasm_pack, parent(&bindgen)?, parent(&wasm_opt)?])?;

    let mut build = Command::new("./build.sh");
    build.current_dir(&dir).env("PATH", &path);
    report.command("build.sh", &mut build);

    let mut test = Command::new(wasm_pack.join("wasm-pack"));
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

/// `PATH` with these folders first: wasm-pack takes its tools from there, and downloads
/// none.
fn path_with(dirs: [&Path; 3]) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let rest = env::split_paths(&path);
    let all = dirs.into_iter().map(Path::to_path_buf).chain(rest);
    env::join_paths(all).context("a folder of PATH has a strange name")
}

fn parent(program: &Path) -> Result<&Path> {
    program.parent().context("a program lies in a folder")
}

//! Builds the browser example as it is deployed: rustc, wasm-bindgen, wasm-opt.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cargo_tools::CargoTool;
use crate::exec;
use crate::progress::Status;
use crate::wasm_opt;
use crate::workspace::{EXAMPLE, WASM_TARGET, Workspace};

/// The profile of the root manifest that is tuned for small modules.
const PROFILE: &str = "wasm-release";

/// What rustc emits for its wasm target and wasm-opt refuses if it is not named.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// The example, ready to be served.
pub(crate) struct Bundle {
    /// The folder with the page.
    pub(crate) dir: PathBuf,
    /// The module that the page loads.
    pub(crate) wasm: PathBuf,
    /// The script that loads it.
    pub(crate) script: PathBuf,
    /// Whether wasm-opt has gone over it.
    pub(crate) optimised: bool,
}

/// Builds the example into its `pkg` folder.
///
/// # Errors
/// If one of the tools fails; `wasm-opt` may be absent.
pub(crate) fn build(workspace: &Workspace, status: &Status) -> Result<Bundle> {
    let dir = workspace.package_dir(EXAMPLE)?;
    let crate_name = EXAMPLE.replace('-', "_");

    let mut cargo = workspace.cargo(["build", "--package", EXAMPLE, "--lib"]);
    cargo.args(["--target", WASM_TARGET, "--profile", PROFILE]);
    exec::succeed(&mut cargo, status)?;

    let built = workspace
        .target()
        .join(WASM_TARGET)
        .join(PROFILE)
        .join(&crate_name)
        .with_extension("wasm");
    ensure!(
        built.is_file(),
        "cargo built no {}; is the example's crate-type still `cdylib`?",
        built.display()
    );

    let pkg = dir.join("pkg");
    let bindgen = CargoTool::wasm_bindgen(workspace)?.program("wasm-bindgen")?;
    let mut bind = Command::new(bindgen);
    bind.arg(&built)
        .args(["--target", "web", "--remove-producers-section"])
        .arg("--remove-name-section")
        .arg("--out-dir")
        .arg(&pkg);
    exec::succeed(&mut bind, status)?;

    let mut bundle = Bundle {
        wasm: pkg.join(format!("{crate_name}_bg.wasm")),
        script: pkg.join(format!("{crate_name}.js")),
        dir,
        optimised: false,
    };
    bundle.optimise(status)?;
    Ok(bundle)
}

impl Bundle {
    /// Goes over the module with `wasm-opt`, where there is one.
    fn optimise(&mut self, status: &Status) -> Result<()> {
        let Some(wasm_opt) = wasm_opt::find() else {
            return Ok(());
        };
        let smaller = self.wasm.with_extension("opt.wasm");
        let mut command = Command::new(wasm_opt);
        command.arg("-Oz").args(WASM_FEATURES);
        command.arg(&self.wasm).arg("--output").arg(&smaller);
        exec::succeed(&mut command, status)?;
        fs::rename(&smaller, &self.wasm).context("cannot replace the module")?;
        self.optimised = true;
        Ok(())
    }
}

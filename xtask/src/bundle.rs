//! Builds a page as it is deployed: rustc, wasm-bindgen, wasm-opt.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cargo_tools::CargoTool;
use crate::exec;
use crate::names;
use crate::own_std;
use crate::progress::Status;
use crate::wasm_opt;
use crate::workspace::{WASM_TARGET, Workspace};

/// For what a module is tuned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tuned {
    /// To be small, as pages are deployed: with a std of its own, and wasm-opt goes over it.
    Size,
    /// To be fast.
    Speed,
}

/// What LLVM leaves alone for a small module: what it does for speed, and writes code twice for, or
/// more locals.
const LLVM_ARGS: &[&str] = &[
    // Loads of what is known already on some of the ways to them.
    "-Cllvm-args=-enable-load-pre=false",
    // Counters of loops that are to be cheaper than multiplications.
    "-Cllvm-args=-disable-lsr",
    // As wasm-opt's below.
    "-Cllvm-args=-disable-machine-cse",
];

/// How wasm-opt makes the module small; `build.sh` does it by the example's manifest, which has to
/// say the same.
const WASM_OPT: &[&str] = &[
    // From flat code, and twice, it comes to shorter code than rustc's.
    "--flatten",
    "--rereloop",
    "-Oz",
    "-Oz",
    // What that leaves to do, until nothing is.
    "--optimize-instructions",
    "--converge",
    // Repeated computations compress better than the locals in their stead.
    "--skip-pass=local-cse",
    // Large functions have more locals, whose longer numbers compress worse.
    "--one-caller-inline-max-function-size=60",
    // Below the first kilobyte there is only the end of the stack.
    "--low-memory-unused",
    "--strip-target-features",
];

/// What rustc emits, and wasm-opt refuses if it is not named.
pub(crate) const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// The page, ready to be served.
pub(crate) struct Bundle {
    /// The folder with the page.
    pub(crate) dir: PathBuf,
    /// The module that the page loads.
    pub(crate) wasm: PathBuf,
    /// The script that loads it.
    pub(crate) script: PathBuf,
    /// Whether it has a std of its own.
    pub(crate) own_std: bool,
    /// Whether wasm-opt has gone over it.
    pub(crate) optimised: bool,
}

/// Builds the page of that package into its `pkg` folder.
///
/// # Errors
/// If one of the tools fails; the source of std and `wasm-opt` may be absent.
pub(crate) fn build(
    workspace: &Workspace,
    page: &str,
    tuned: Tuned,
    status: &Status,
) -> Result<Bundle> {
    build_with(workspace, page, &[], tuned, status)
}

/// The same, with these of the package's features alone, if there are any: then into a folder of
/// its own.
///
/// # Errors
/// As [`build`].
pub(crate) fn build_with(
    workspace: &Workspace,
    page: &str,
    features: &[&str],
    tuned: Tuned,
    status: &Status,
) -> Result<Bundle> {
    let dir = workspace.package_dir(page)?;
    let crate_name = page.replace('-', "_");

    let mut cargo = workspace.cargo(["rustc", "--package", page, "--lib"]);
    // As a library of Rust, too, it would be linked without LTO.
    cargo.args(["--crate-type", "cdylib"]);
    cargo.args(["--target", WASM_TARGET, "--profile", tuned.profile()]);
    if !features.is_empty() {
        cargo.args(["--no-default-features", "--features", &features.join(",")]);
    }
    let mut flags = short_paths()?;
    let own_std = tuned == Tuned::Size && own_std::find(workspace).is_some();
    if own_std {
        own_std::select(&mut cargo);
        flags.extend(own_std::RUSTFLAGS.iter().copied().map(str::to_owned));
    }
    if tuned == Tuned::Size {
        flags.extend(LLVM_ARGS.iter().copied().map(str::to_owned));
    }
    // Sessions hash once a connection: a loop does it, too, in a fifth of the code.
    flags.extend(["--cfg", r#"sha2_backend_soft="compact""#].map(str::to_owned));
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    exec::succeed(&mut cargo, status)?;

    let built = workspace
        .target()
        .join(WASM_TARGET)
        .join(tuned.profile())
        .join(&crate_name)
        .with_extension("wasm");
    ensure!(
        built.is_file(),
        "cargo built no {}; is the page's crate-type still `cdylib`?",
        built.display()
    );

    // With other features than its own it is another page.
    let dir = match features {
        [] => dir,
        some => copy(workspace, &dir, &format!("{page}-{}", some.join("-")))?,
    };
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
        own_std,
        optimised: false,
    };
    if tuned == Tuned::Size {
        bundle.optimise(status)?;
    }
    Ok(bundle)
}

/// A copy of a page, without what is built for it.
fn copy(workspace: &Workspace, page: &Path, name: &str) -> Result<PathBuf> {
    let copy = workspace.scratch("bundles")?.join(name);
    let context = || format!("cannot copy {} to {}", page.display(), copy.display());
    fs::create_dir_all(&copy).with_context(context)?;
    for entry in fs::read_dir(page).with_context(context)? {
        let entry = entry.with_context(context)?;
        if entry.path().is_file() {
            fs::copy(entry.path(), copy.join(entry.file_name())).with_context(context)?;
        }
    }
    Ok(copy)
}

impl Tuned {
    /// The profile of the root manifest.
    fn profile(self) -> &'static str {
        match self {
            Self::Size => "wasm-release",
            Self::Speed => "release",
        }
    }
}

impl Bundle {
    /// Goes over the module with `wasm-opt`, where there is one.
    fn optimise(&mut self, status: &Status) -> Result<()> {
        let Some(wasm_opt) = wasm_opt::find() else {
            return Ok(());
        };
        names::shorten(&wasm_opt, &self.wasm, &self.script, status)?;
        let smaller = self.wasm.with_extension("opt.wasm");
        let mut command = Command::new(wasm_opt);
        command.args(WASM_OPT).args(FEATURES);
        command.arg(&self.wasm).arg("--output").arg(&smaller);
        exec::succeed(&mut command, status)?;
        fs::rename(&smaller, &self.wasm).context("cannot replace the module")?;
        self.optimised = true;
        Ok(())
    }
}

/// Takes the folders of this machine off the file names of panics: they are kilobytes of a module,
/// and nobody's business. `build.sh` does the same.
fn short_paths() -> Result<Vec<String>> {
    let cargo_home = std::env::home_dir().map(|home| home.join(".cargo"));
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or(cargo_home);
    let registry = cargo_home
        .context("there is no home folder")?
        .join("registry/src");
    let mut flags = vec![remap(&own_std::source()?, "std")];
    for index in fs::read_dir(&registry).into_iter().flatten() {
        flags.push(remap(&index?.path(), ""));
    }
    Ok(flags)
}

fn remap(folder: &Path, name: &str) -> String {
    format!("--remap-path-prefix={}={name}", folder.display())
}

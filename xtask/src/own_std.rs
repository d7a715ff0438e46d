//! A std of the page's own: a tenth less of a module than with the one that comes with rustc, which
//! is compiled to be fast, and to put each panic into words that no page shows.
//!
//! Cargo calls this unstable, and a stable one does it where `RUSTC_BOOTSTRAP` says so.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::exec;
use crate::system;
use crate::workspace::Workspace;

/// What tells cargo to compile it.
const ARGS: &[&str] = &[
    "-Zbuild-std=std",
    "-Zbuild-std-features=optimize_for_size",
    // A panic stops the module, and says nothing.
    "-Zpanic-immediate-abort",
    "--config",
    r#"profile.wasm-release.panic="immediate-abort""#,
];

/// The component of Rust that has its source.
pub(crate) const COMPONENT: &str = "rust-src";

/// Where its source is, or would be.
///
/// # Errors
/// If there is no rustc.
pub(crate) fn source() -> Result<PathBuf> {
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "sysroot"])
        .output()
        .context("cannot run rustc")?;
    let sysroot = String::from_utf8(output.stdout).context("rustc's sysroot is not UTF-8")?;
    Ok(PathBuf::from(sysroot.trim()).join("lib/rustlib/src/rust/library"))
}

/// The source, if it is there and this cargo compiles it.
pub(crate) fn find(workspace: &Workspace) -> Option<PathBuf> {
    let source = source().ok()?;
    (source.join("Cargo.lock").is_file() && is_known(workspace)).then_some(source)
}

/// Brings the source, unless it is there.
///
/// # Errors
/// If this cargo cannot compile it, there is no rustup, or it fails.
pub(crate) fn ensure(workspace: &Workspace) -> Result<()> {
    if find(workspace).is_some() {
        return Ok(());
    }
    ensure!(
        is_known(workspace),
        "pages keep rustc's own std, and are larger: this cargo cannot compile one, that of Rust \
         1.95 can"
    );
    let rustup = system::program(&["rustup"]).with_context(|| {
        format!(
            "pages keep rustc's own std, and are larger: install Rust's component {COMPONENT}, \
             there is no rustup here to add it"
        )
    })?;
    let mut rustup = Command::new(rustup);
    rustup.args(["component", "add", COMPONENT]);
    exec::step(&format!("rustup component add {COMPONENT}"), |status| {
        exec::succeed(&mut rustup, status)?;
        Ok(())
    })
    .with_context(|| format!("pages keep rustc's own std, and are larger: no {COMPONENT}"))
}

/// Makes a cargo command compile it with the rest.
pub(crate) fn select(cargo: &mut Command) {
    cargo.args(ARGS).env("RUSTC_BOOTSTRAP", "1");
}

/// What it tells rustc: to shorten code before LLVM sees it, a hundredth of the module, and to leave
/// it to LLVM what goes into its callers.
pub(crate) const RUSTFLAGS: &[&str] = &["-Zmir-opt-level=3", "-Zinline-mir-threshold=25"];

/// Whether this cargo knows all that we tell it.
fn is_known(workspace: &Workspace) -> bool {
    let mut cargo = workspace.cargo(["locate-project"]);
    select(&mut cargo);
    cargo.output().is_ok_and(|output| output.status.success())
}

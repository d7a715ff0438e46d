//! Everything a change must pass.

use std::process::{Command, ExitCode};
use std::thread;

use anyhow::{Result, bail};

use crate::cargo_tools::CargoTool;
use crate::exec;
use crate::features;
use crate::native;
use crate::report::{Outcome, Report};
use crate::setup::Needs;
use crate::size::BUDGETS;
use crate::test;
use crate::wasm;
use crate::workspace::{EDGE, WASM_TARGET, Workspace};

/// What `cargo xtask ci` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave out what `cargo xtask test` runs
    #[arg(long)]
    without_tests: bool,
}

/// Runs all checks and, unless they are left out, all tests.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let needs = Needs {
        wasm: true,
        own_std: true,
        wasm_opt: true,
        ..Needs::default()
    };
    needs.install(workspace)?;
    let report = Report::new();
    thread::scope(|scope| {
        // The linker has one thread, and takes most of the time.
        scope.spawn(|| sizes(workspace, &report));
        lints(workspace, &report);
        features::check(workspace, &report);
        deny(workspace, &report);
    });
    if !args.without_tests {
        test::steps(workspace, &test::Args::default(), &report)?;
    }
    benches(workspace, &report);
    Ok(report.finish())
}

fn sizes(workspace: &Workspace, report: &Report) {
    for budget in BUDGETS {
        report.step(&format!("size of {budget}"), |status| {
            budget
                .spend(workspace, status)?
                .check()
                .map(Outcome::Passed)
        });
    }
}

fn lints(workspace: &Workspace, report: &Report) {
    let mut format = workspace.cargo(["fmt", "--all", "--check"]);
    report.command("format", &mut format);

    let mut native = workspace.cargo(["clippy", "--workspace"]);
    native.args(["--all-targets", "--all-features", "--", "-D", "warnings"]);
    report.command("clippy, native", &mut native);

    let mut for_wasm = workspace.cargo(["clippy"]);
    wasm::select(workspace, &mut for_wasm);
    for_wasm.args(["--", "-D", "warnings"]);
    report.command("clippy, wasm", &mut for_wasm);

    // Its tests and its other program are native.
    let mut edge = workspace.cargo(["clippy", "--package", EDGE, "--lib"]);
    edge.args(["--target", WASM_TARGET, "--", "-D", "warnings"]);
    report.command("clippy, edge", &mut edge);

    let mut docs = workspace.cargo(["doc", "--workspace", "--no-deps", "--all-features"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    report.command("docs", &mut docs);
}

/// Runs each benchmark once, unmeasured: they still work. Built as the native tests are,
/// which spares a second build of everything.
fn benches(workspace: &Workspace, report: &Report) {
    let mut benches = workspace.cargo(["bench", "--benches", "--profile", "dev"]);
    native::select(&mut benches);
    benches.args(["--", "--test"]);
    report.command("benches, once", &mut benches);
}

/// Licences, bans and sources with cargo-deny where it is installed, and advisories where
/// their database can be reached.
fn deny(workspace: &Workspace, report: &Report) {
    let Ok(cargo_deny) = CargoTool::cargo_deny().program("cargo-deny") else {
        report.step("cargo deny", |_| {
            Ok(Outcome::Skipped(
                "not installed; `cargo xtask setup --cargo-deny` does it".to_owned(),
            ))
        });
        return;
    };
    let check = |what: &[&str]| {
        let mut command = Command::new(&cargo_deny);
        command.current_dir(workspace.root());
        command.args(["--workspace", "check"]).args(what);
        command
    };
    let mut offline = check(&["licenses", "bans", "sources"]);
    report.command("cargo deny, licences, bans, sources", &mut offline);
    report.step("cargo deny, advisories", |status| {
        let finished = exec::output(&mut check(&["advisories"]), status)?;
        let output = finished.output;
        if finished.status.success() {
            Ok(Outcome::Passed(String::new()))
        } else if output.contains("failed to fetch advisory database") {
            let why = "the advisory database cannot be reached from here";
            Ok(Outcome::Skipped(why.to_owned()))
        } else {
            bail!("cargo deny check advisories\n\n{output}")
        }
    });
}

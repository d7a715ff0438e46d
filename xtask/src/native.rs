//! The native tests: unit, integration, conformance and doc tests, and the examples.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::artifacts::{self, Program};
use crate::exec;
use crate::progress::Status;
use crate::report::{Outcome, Report};
use crate::wasm;
use crate::workspace::{E2E, EXAMPLE, Workspace};

/// Runs them, one step for the tests and one for each example.
pub(crate) fn run(workspace: &Workspace, report: &mut Report) {
    let mut examples = Vec::new();
    report.step("native tests, built", |status| {
        examples = build(workspace, status)?;
        Ok(Outcome::Passed(String::new()))
    });
    report.step("native tests", |status| {
        let output = exec::succeed(&mut cargo_test(workspace), status)?;
        let tests = wasm::passed_tests(&output);
        ensure!(tests > 0, "not one test ran");
        Ok(Outcome::Passed(format!("{tests} tests")))
    });
    for example in &examples {
        let mut command = Command::new(&example.path);
        command.current_dir(&example.package_dir);
        report.command(&format!("example {}", example.name), &mut command);
    }
}

/// Builds all that runs natively and returns the examples.
fn build(workspace: &Workspace, status: &Status) -> Result<Vec<Program>> {
    let programs = artifacts::build(cargo_test(workspace).arg("--no-run"), status)?;
    let examples = programs.into_iter().filter(|program| program.is_example);
    Ok(examples.collect())
}

/// Makes a cargo command work on all packages but those that run in browsers.
pub(crate) fn select(cargo: &mut Command) {
    cargo.args(["--workspace", "--all-features"]);
    cargo.args(["--exclude", EXAMPLE, "--exclude", E2E]);
}

fn cargo_test(workspace: &Workspace) -> Command {
    let mut cargo = workspace.cargo(["test"]);
    select(&mut cargo);
    cargo
}

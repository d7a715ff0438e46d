//! The native tests: unit, integration, conformance and doc tests, and the examples.

use std::process::Command;

use anyhow::ensure;

use crate::artifacts;
use crate::exec;
use crate::report::{Outcome, Report};
use crate::wasm;
use crate::workspace::{E2E, PING_PONG, Workspace};

/// Runs them, one step for the tests and one for each example.
pub(crate) fn run(workspace: &Workspace, report: &mut Report) {
    report.step("native tests", |status| {
        let mut cargo = workspace.cargo(["test", "--no-fail-fast"]);
        select(&mut cargo);
        let tests = wasm::passed_tests(&exec::succeed(&mut cargo, status)?);
        ensure!(tests > 0, "not one test ran");
        Ok(Outcome::Passed(format!("{tests} tests")))
    });
    let mut examples = Vec::new();
    report.step("examples, built", |status| {
        let mut cargo = workspace.cargo(["build", "--examples"]);
        select(&mut cargo);
        examples = artifacts::build(&mut cargo, status)?;
        Ok(Outcome::Passed(String::new()))
    });
    for example in &examples {
        let mut command = Command::new(&example.path);
        command.current_dir(&example.package_dir);
        report.command(&format!("example {}", example.name), &mut command);
    }
}

/// Makes a cargo command work on all packages but those that run in browsers.
pub(crate) fn select(cargo: &mut Command) {
    cargo.args(["--workspace", "--all-features"]);
    cargo.args(["--exclude", PING_PONG, "--exclude", E2E]);
}

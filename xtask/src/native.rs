//! The native tests: unit, integration, conformance and doc tests, and the examples.

use std::iter;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::abreast;
use crate::artifacts::{self, Program};
use crate::exec;
use crate::progress::Status;
use crate::report::{Outcome, Report};
use crate::wasm;
use crate::workspace::Workspace;

/// Runs them, one step for the tests and one for each example.
pub(crate) fn run(workspace: &Workspace, report: &Report) {
    let mut programs = Vec::new();
    report.step("native tests, built", |status| {
        let mut cargo = workspace.cargo(["test", "--no-run"]);
        select(&mut cargo);
        programs = artifacts::build(&mut cargo, status)?;
        programs.retain(|program| program.tests);
        programs.sort_by_key(|program| !SLOW.contains(&program.name.as_str()));
        Ok(Outcome::Passed(format!("{} programs", programs.len())))
    });
    report.step("native tests", |status| tests(workspace, &programs, status));
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

/// The tests that take longest: they begin first, and others run while these wait.
const SLOW: [&str; 4] = ["every_byte", "ui", "properties", "program"];

/// Runs the programs of tests, and those in the documentation, several at once.
fn tests(workspace: &Workspace, programs: &[Program], status: &Status) -> Result<Outcome> {
    let documentation = iter::once(Tests::OfDocumentation);
    let all: Vec<Tests<'_>> = documentation
        .chain(programs.iter().map(Tests::OfProgram))
        .collect();
    let ended = abreast::each(&all, "programs", status, |tests| tests.run(workspace));
    let (mut tests, mut failures) = (0, Vec::new());
    for result in ended {
        match result {
            Ok(output) => tests += wasm::passed_tests(&output),
            Err(error) => failures.push(error),
        }
    }
    abreast::none_failed(&failures)?;
    ensure!(tests > 0, "not one test ran");
    Ok(Outcome::Passed(format!("{tests} tests")))
}

/// Tests that run as one program.
enum Tests<'a> {
    OfDocumentation,
    OfProgram(&'a Program),
}

impl Tests<'_> {
    /// Runs them, and returns what they print.
    ///
    /// # Errors
    /// If one fails: what they print, and at last who they are.
    fn run(&self, workspace: &Workspace) -> Result<String, String> {
        let (mut command, name) = match self {
            Self::OfDocumentation => {
                let mut cargo = workspace.cargo(["test", "--doc", "--no-fail-fast"]);
                select(&mut cargo);
                (cargo, "documentation".to_owned())
            }
            Self::OfProgram(program) => {
                let package = workspace
                    .package_in(&program.package_dir)
                    .map_err(|error| error.to_string())?;
                let mut command = Command::new(&program.path);
                // What cargo tells of its package to a test that it runs.
                command.current_dir(&program.package_dir);
                command.env("CARGO_MANIFEST_DIR", &program.package_dir);
                command.env("CARGO_PKG_NAME", package.name.as_str());
                (command, format!("{}/{}", package.name, program.name))
            }
        };
        exec::succeed(&mut command, &Status::default())
            .map_err(|error| format!("{error:#}\n\n{name}"))
    }
}

/// A cargo command that builds programs as the tests are built, which have done it if they ran.
pub(crate) fn build<const N: usize>(workspace: &Workspace, programs: [Built<'_>; N]) -> Command {
    // With an example there come the features that tests want.
    let mut cargo = workspace.cargo(["build", "--example", EXAMPLE]);
    for program in programs {
        match program {
            Built::Program(name) => cargo.args(["--bin", name]),
            Built::Example(name) => cargo.args(["--example", name]),
        };
    }
    select(&mut cargo);
    cargo
}

/// Any one that is small.
const EXAMPLE: &str = "ping-pong";

/// What is built.
pub(crate) enum Built<'a> {
    Program(&'a str),
    Example(&'a str),
}

/// Makes a cargo command work on all native packages at once. Each by itself asks its dependencies
/// for other features, and they would be compiled anew for it.
pub(crate) fn select(cargo: &mut Command) {
    cargo.args(["--workspace", "--all-features"]);
}

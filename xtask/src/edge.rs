//! The example of a role in edge runtimes, in each of them.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::bundle::{self, Tuned};
use crate::exec;
use crate::native;
use crate::npm::NpmTool;
use crate::progress::Status;
use crate::report::{Outcome, Report};
use crate::wasm;
use crate::workspace::{EDGE, Workspace};

/// A runtime: its name, where it comes from, the tests that run in it, and the variable by which
/// they find it.
struct Runtime {
    name: &'static str,
    tool: NpmTool,
    tests: &'static str,
    variable: &'static str,
}

const RUNTIMES: [Runtime; 2] = [
    Runtime {
        name: "workerd",
        tool: NpmTool::workerd(),
        tests: "in_workerd",
        variable: "CHOREO_EDGE_WORKERD",
    },
    Runtime {
        name: "Deno",
        tool: NpmTool::deno(),
        tests: "in_deno",
        variable: "CHOREO_EDGE_DENO",
    },
];

/// What they need from npm.
pub(crate) fn tools() -> Vec<NpmTool> {
    RUNTIMES.map(|runtime| runtime.tool).into()
}

/// Builds the module and runs the tests, one step for each runtime.
pub(crate) fn run(workspace: &Workspace, report: &Report) {
    let mut built = false;
    report.step("edge, built", |status| {
        // Not as pages are: a panic there ends in the logs of a server, and has words.
        bundle::build(workspace, EDGE, Tuned::Speed, status)?;
        built = true;
        Ok(Outcome::Passed(String::new()))
    });
    for runtime in RUNTIMES.iter().filter(|_| built) {
        let name = format!("edge, {}", runtime.name);
        match runtime.tool.find() {
            Some(program) => report.step(&name, |status| runtime.test(workspace, &program, status)),
            None => report.absent(&name, &format!("{} is not installed", runtime.tool.title())),
        }
    }
}

impl Runtime {
    fn test(&self, workspace: &Workspace, program: &Path, status: &Status) -> Result<Outcome> {
        let mut cargo = workspace.cargo(["test", "--test", "deals"]);
        native::select(&mut cargo);
        cargo.args(["--", "--ignored", self.tests]);
        cargo.env(self.variable, program);
        let tests = wasm::passed_tests(&exec::succeed(&mut cargo, status)?);
        ensure!(tests > 0, "not one test ran");
        Ok(Outcome::Passed(format!("{tests} tests")))
    }
}

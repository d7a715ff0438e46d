//! Everything a change must pass.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::bundle::{self, Tuned};
use crate::cargo_tools::CargoTool;
use crate::exec;
use crate::features;
use crate::native;
use crate::report::{Outcome, Report};
use crate::setup::Needs;
use crate::size::{self, BUDGETS, Sizes};
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
    let mut report = Report::new();
    lints(workspace, &mut report);
    features::check(workspace, &mut report);
    deny(workspace, &mut report);
    if !args.without_tests {
        test::steps(workspace, &test::Args::default(), &mut report)?;
    }
    for (page, features, budget, fits) in BUDGETS {
        report.step(
            &format!("size of {}", size::name(page, features)),
            |status| {
                let bundle = bundle::build_with(workspace, page, features, Tuned::Size, status)?;
                match Sizes::measure(&bundle, budget)?.check() {
                    Ok(size) => Ok(Outcome::Passed(size)),
                    Err(above) if !fits => Ok(Outcome::Passed(format!("{above:#}"))),
                    Err(above) => Err(above),
                }
            },
        );
        return;
    }
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

//! Round trips in browsers, measured beside bare ones in the same page.

use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::browsers::{Browser, Ready};
use crate::bundle::Tuned;
use crate::e2e;
use crate::exec;
use crate::progress::Status;
use crate::report::{Outcome, Report};
use crate::serve::Background;
use crate::setup::Needs;
use crate::workspace::{E2E, Workspace};

/// How the line begins that tells what was measured.
const MEASURED: &str = "round trip of 64 bytes: ";

/// What `cargo xtask bench` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Measure in this browser (can be repeated); without it, in all
    #[arg(long, value_name = "BROWSER")]
    browser: Vec<Browser>,
}

/// Measures in each browser and prints the ratios as a table. It fails only where nothing can be
/// measured: how long something takes depends on the machine.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let mut browsers = match args.browser.as_slice() {
        [] => Browser::ALL.to_vec(),
        some => some.to_vec(),
    };
    browsers.sort_unstable();
    browsers.dedup();
    let needs = Needs {
        wasm: true,
        browsers: browsers.clone(),
        ..Needs::default()
    };
    needs.install(workspace)?;
    let page = exec::step("page, built and served", |status| {
        e2e::test_page(workspace, Tuned::Speed, status)
    })?;
    let report = Report::new();
    for browser in browsers {
        match browser.find() {
            Ok(installed) => {
                let ready = installed.prepare(workspace)?;
                report.step(browser.name(), |status| {
                    measure(workspace, &ready, &page, status).map(Outcome::Passed)
                });
            }
            Err(why) => report.absent(browser.name(), &why),
        }
    }
    Ok(report.finish())
}

fn measure(
    workspace: &Workspace,
    browser: &Ready,
    page: &Background,
    status: &Status,
) -> Result<String> {
    let mut cargo = workspace.cargo(["bench", "--package", E2E, "--bench", "round_trip"]);
    cargo.env("CHOREO_E2E_TEST_PAGE", &page.url);
    e2e::steer(workspace, browser, &mut cargo);
    let output = exec::succeed(&mut cargo, status)?;
    let measured = output
        .lines()
        .filter_map(|line| line.strip_prefix(MEASURED));
    let measured: Vec<&str> = measured.collect();
    ensure!(!measured.is_empty(), "the measurement says nothing");
    Ok(measured.join("; "))
}

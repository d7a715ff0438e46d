//! The end-to-end tests: the demo page, driven as a person would.

use anyhow::{Result, ensure};

use crate::browsers::Ready;
use crate::exec;
use crate::progress::Status;
use crate::report::Outcome;
use crate::wasm;
use crate::workspace::{E2E, Workspace};

/// Runs them in one browser against the page at `url`.
///
/// # Errors
/// If a test fails, or not one ran.
pub(crate) fn run(
    workspace: &Workspace,
    browser: &Ready,
    url: &str,
    status: &Status,
) -> Result<Outcome> {
    let screenshots = workspace.target().join("screenshots");
    let mut cargo = workspace.cargo(["test", "--package", E2E, "--", "--ignored"]);
    // One browser at a time: a page that waits for the processor is not what is tested.
    cargo
        .arg("--test-threads=1")
        .env("CHOREO_E2E_PAGE", url)
        .env("CHOREO_E2E_BROWSER", browser.browser().name())
        .env("CHOREO_E2E_DRIVER", browser.driver())
        .env("CHOREO_E2E_CAPABILITIES", &browser.capabilities)
        .env("CHOREO_E2E_SCREENSHOTS", screenshots);
    // A failed check names its place; what lies below it are the runtime and the driver.
    cargo.env("RUST_BACKTRACE", "0");
    browser.show(&mut cargo);
    let tests = wasm::passed_tests(&exec::succeed(&mut cargo, status)?);
    ensure!(tests > 0, "not one test ran");
    Ok(Outcome::Passed(format!("{tests} tests")))
}

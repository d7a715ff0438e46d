//! The end-to-end tests: the pages, driven as a person would.

use std::fs;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::artifacts::{self, Program};
use crate::browsers::Ready;
use crate::bundle::{self, Tuned};
use crate::exec;
use crate::listener::Listener;
use crate::native::{self, Built};
use crate::peer;
use crate::progress::Status;
use crate::report::Outcome;
use crate::serve::{self, Background};
use crate::wasm;
use crate::workspace::{
    E2E, NATIVE_SERVER, PING_PONG, PING_PONG_DEMO, RELAY, TEST_PAGE, TWO_BROWSERS, Workspace,
};

/// The pages under test, served with what they need; dropping it stops all of it.
pub(crate) struct Pages {
    ping_pong: Background,
    plain_ping_pong: Background,
    two_browsers: Background,
    test_page: Background,
    relay: Listener,
    native_server: Listener,
}

impl Pages {
    /// Builds the pages and starts the servers.
    ///
    /// # Errors
    /// If something does not compile, or does not start.
    pub(crate) fn start(workspace: &Workspace, status: &Status) -> Result<Self> {
        let plain_ping_pong = bundle::build(workspace, PING_PONG, Tuned::Size, status)?;
        let features = PING_PONG_DEMO;
        let ping_pong = bundle::build_with(workspace, PING_PONG, features, Tuned::Size, status)?;
        bundle::build(workspace, TWO_BROWSERS, Tuned::Size, status)?;
        let two_browsers = Background::start(&workspace.examples())?;
        let origins = serve::origins(&two_browsers.url);
        let build = |program| native::build(workspace, [Built::Program(program)]);
        Ok(Self {
            ping_pong: Background::start(&ping_pong.dir)?,
            plain_ping_pong: Background::start(&plain_ping_pong.dir)?,
            test_page: test_page(workspace, Tuned::Size, status)?,
            relay: peer::relay(build(RELAY), &origins, status)?,
            native_server: peer::native_server(build(NATIVE_SERVER), "127.0.0.1:0", status)?,
            two_browsers,
        })
    }

    /// The page of two browsers, with the relay that it takes.
    fn two_browsers(&self) -> String {
        let (page, relay) = (&self.two_browsers.url, &self.relay.url);
        format!("{page}{TWO_BROWSERS}/?relay={relay}")
    }
}

/// Runs them in one browser.
///
/// # Errors
/// If a test fails, or not one ran.
pub(crate) fn run(
    workspace: &Workspace,
    browser: &Ready,
    pages: &Pages,
    status: &Status,
) -> Result<Outcome> {
    let tests = programs(workspace, status)?;
    let mut passed = 0;
    for test in &tests {
        let mut command = Command::new(&test.path);
        // Two browsers at a time: with more, what is tested is how a page waits for the processor.
        command
            .current_dir(&test.package_dir)
            .args(["--ignored", "--test-threads=2"])
            .env("CHOREO_E2E_PAGE", &pages.ping_pong.url)
            .env("CHOREO_E2E_PLAIN_PAGE", &pages.plain_ping_pong.url)
            .env("CHOREO_E2E_TWO_BROWSERS", pages.two_browsers())
            .env("CHOREO_E2E_NATIVE_SERVER", &pages.native_server.url)
            .env("CHOREO_E2E_TEST_PAGE", &pages.test_page.url)
            .env("CHOREO_E2E_RELAY", &pages.relay.program);
        steer(workspace, browser, &mut command);
        passed += wasm::passed_tests(&exec::succeed(&mut command, status)?);
    }
    ensure!(passed > 0, "not one test ran");
    Ok(Outcome::Passed(format!("{passed} tests")))
}

/// The programs of the tests.
fn programs(workspace: &Workspace, status: &Status) -> Result<Vec<Program>> {
    let dir = workspace.package_dir(E2E)?;
    let mut cargo = workspace.cargo(["test", "--no-run"]);
    native::select(&mut cargo);
    for entry in fs::read_dir(dir.join("tests"))? {
        // Others may have tests of the same name.
        if let Some(name) = entry?.path().file_stem() {
            cargo.arg("--test").arg(name);
        }
    }
    let mut programs = artifacts::build(&mut cargo, status)?;
    programs.retain(|program| program.tests && program.package_dir == dir);
    Ok(programs)
}

/// Builds and serves the page that is driven by its script.
///
/// # Errors
/// If it does not compile.
pub(crate) fn test_page(
    workspace: &Workspace,
    tuned: Tuned,
    status: &Status,
) -> Result<Background> {
    let bundle = bundle::build(workspace, TEST_PAGE, tuned, status)?;
    Background::start(&bundle.dir)
}

/// Tells a program of the end-to-end tests which browser to take.
pub(crate) fn steer(workspace: &Workspace, browser: &Ready, command: &mut Command) {
    let screenshots = workspace.target().join("screenshots");
    command
        .env("CHOREO_E2E_BROWSER", browser.browser().name())
        .env("CHOREO_E2E_DRIVER", browser.driver())
        .env("CHOREO_E2E_CAPABILITIES", &browser.capabilities)
        .env("CHOREO_E2E_SCREENSHOTS", screenshots);
    // A failed check names its place; what lies below it are the runtime and the driver.
    command.env("RUST_BACKTRACE", "0");
    browser.show(command);
}

//! The wasm test suites: built once, then run in Node and in each browser.

use std::borrow::Borrow;
use std::iter::once;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, anyhow, ensure};

use crate::abreast;
use crate::artifacts::{self, Program};
use crate::browsers::Ready;
use crate::exec;
use crate::peer::TestPeers;
use crate::progress::Status;
use crate::report::Outcome;
use crate::workspace::{PAGES, WASM_TARGET, Workspace};

/// The feature whose timers run in a window alone: it is tested apart from all others.
const WINDOW_ONLY: &str = "wasm-timer";

/// Where suites run.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// Node.
    Node,
    /// Deno, which is in this folder.
    Deno(&'a Path),
    /// A window of a browser.
    Window(&'a Ready),
    /// A dedicated worker of a browser.
    Worker(&'a Ready),
    /// A service worker of a browser.
    ServiceWorker(&'a Ready),
}

/// Builds the suites of the libraries, of the pages and of the examples with all features they have
/// there, and with the addresses of the servers that some of them talk to.
///
/// # Errors
/// If they do not compile.
pub(crate) fn build(
    workspace: &Workspace,
    peers: &TestPeers,
    status: &Status,
) -> Result<Vec<Program>> {
    let mut cargo = workspace.cargo(["test", "--no-run"]);
    peers.steer(&mut cargo);
    select(workspace, &mut cargo);
    optimise(&mut cargo);
    artifacts::build(&mut cargo, status)
}

/// Builds the core's suites with the timers that run in a window alone.
///
/// # Errors
/// If they do not compile.
pub(crate) fn build_window_only(workspace: &Workspace, status: &Status) -> Result<Vec<Program>> {
    let mut cargo = workspace.cargo(["test", "--no-run", "--package", "choreo-core"]);
    cargo.args(["--features", WINDOW_ONLY]);
    cargo.args(["--target", WASM_TARGET, "--lib", "--test", "*"]);
    optimise(&mut cargo);
    artifacts::build(&mut cargo, status)
}

/// Makes suites a little faster, and half as large: each is loaded, compiled and run in many places.
fn optimise(cargo: &mut Command) {
    cargo.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
}

/// Makes a cargo command work on all that is tested for wasm, with its features.
pub(crate) fn select(workspace: &Workspace, cargo: &mut Command) {
    cargo.args(["--target", WASM_TARGET, "--lib", "--test", "*"]);
    for package in PAGES.into_iter().chain(workspace.wasm_examples()) {
        cargo.args(["--package", package]);
    }
    for (package, features) in workspace.wasm_library_features() {
        cargo.args(["--package", &package]);
        for feature in features.iter().filter(|feature| *feature != WINDOW_ONLY) {
            cargo.args(["--features", &format!("{package}/{feature}")]);
        }
    }
}

/// Runs all suites in one place.
///
/// # Errors
/// If a test fails, a suite does not start, or there was not one test.
pub(crate) fn run(
    suites: &[impl Borrow<Program> + Sync],
    runner: &Path,
    place: Place<'_>,
    status: &Status,
) -> Result<Outcome> {
    let ended = abreast::each(suites, "suites", status, |suite| {
        run_suite(suite.borrow(), runner, place)
    });
    let (mut tests, mut failures, mut interpreted) = (0, Vec::new(), Vec::new());
    for result in ended {
        match result {
            Ok(Passed { count, compiled }) => {
                tests += count;
                interpreted.extend(compiled.err());
            }
            Err(error) => failures.push(format!("{error:#}")),
        }
    }
    abreast::none_failed(&failures)?;
    ensure!(tests > 0, "not one test ran");
    let mut note = format!("{tests} tests");
    if !interpreted.is_empty() {
        note.push_str("; passed by the interpreter alone: ");
        note.push_str(&interpreted.join(", "));
    }
    Ok(Outcome::Passed(note))
}

/// How many tests of a suite passed, and which failed when the engine's compilers ran it.
struct Passed {
    count: usize,
    compiled: Result<(), String>,
}

/// How many tests the summaries of test programs count as passed.
pub(crate) fn passed_tests(output: &str) -> usize {
    let counts = output.lines().filter_map(|line| {
        let (_, counts) = line.split_once("test result: ok. ")?;
        counts.split_once(" passed")?.0.parse::<usize>().ok()
    });
    counts.sum()
}

/// Runs one suite. If it fails where an engine's compilers are known to break code, its interpreter
/// runs it again, and that counts.
fn run_suite(suite: &Program, runner: &Path, place: Place<'_>) -> Result<Passed> {
    let mut command = Command::new(runner);
    command.arg(&suite.path).current_dir(&suite.package_dir);
    place.steer(&mut command);
    // Of the runner itself; a failed test shows its own stack.
    command.env("RUST_BACKTRACE", "0");
    let package = suite.package_dir.file_name().unwrap_or_default();
    let package = package.display();
    let named = |error: &anyhow::Error| {
        let failed = failed_tests(&format!("{error:#}")).join(", ");
        let failed = if failed.is_empty() {
            "no test ended"
        } else {
            &failed
        };
        format!("{package}/{}: {failed}", suite.name)
    };
    let (output, compiled) = match exec::succeed(&mut command, &Status::default()) {
        Ok(output) => (output, Ok(())),
        Err(error) if place.interpret(&mut command) => {
            let failed = named(&error);
            eprintln!("{error:#}\n\nonce more, by the interpreter: {failed}\n");
            let again = exec::succeed(&mut command, &Status::default());
            let again = again.map_err(|error| anyhow!("{error:#}\n\n{}", named(&error)))?;
            (again, Err(failed))
        }
        Err(error) => return Err(anyhow!("{error:#}\n\n{}", named(&error))),
    };
    let count = passed_tests(&output);
    Ok(Passed { count, compiled })
}

/// The names of the tests that the output of a test program calls failed.
fn failed_tests(output: &str) -> Vec<&str> {
    let tests = output.lines().filter_map(|line| line.strip_prefix("test "));
    tests
        .filter_map(|line| line.strip_suffix(" ... FAIL"))
        .collect()
}

impl Place<'_> {
    /// See [`Ready::interpret`].
    fn interpret(self, command: &mut Command) -> bool {
        match self {
            Self::Node | Self::Deno(_) => false,
            Self::Window(browser) | Self::Worker(browser) | Self::ServiceWorker(browser) => {
                browser.interpret(command)
            }
        }
    }

    fn steer(self, command: &mut Command) {
        for variable in [
            "NO_HEADLESS",
            "WASM_BINDGEN_TEST_ONLY_NODE",
            "WASM_BINDGEN_TEST_ONLY_WEB",
            "WASM_BINDGEN_USE_BROWSER",
            "WASM_BINDGEN_USE_DEDICATED_WORKER",
            "WASM_BINDGEN_USE_DENO",
            "WASM_BINDGEN_USE_NO_MODULE",
            "WASM_BINDGEN_USE_SERVICE_WORKER",
        ] {
            command.env_remove(variable);
        }
        // Seconds: a busy machine with two cores starts a browser slowly.
        command.env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60");
        command.env("WASM_BINDGEN_TEST_TIMEOUT", "180");
        match self {
            // Passes over the suites that say that they need a browser.
            Self::Node => {
                command.env("WASM_BINDGEN_TEST_ONLY_NODE", "1");
            }
            Self::Deno(folder) => {
                command.env("WASM_BINDGEN_USE_DENO", "1");
                let path = std::env::var_os("PATH").unwrap_or_default();
                let rest = std::env::split_paths(&path);
                let path = std::env::join_paths(once(folder.to_path_buf()).chain(rest));
                // Only a name with a colon in it cannot be joined; then no `deno` is found.
                command.env("PATH", path.unwrap_or_default());
            }
            Self::ServiceWorker(browser) => {
                command.env("WASM_BINDGEN_USE_SERVICE_WORKER", "1");
                // Not all browsers take modules there.
                command.env("WASM_BINDGEN_USE_NO_MODULE", "1");
                browser.steer(command);
            }
            Self::Window(browser) => {
                command.env("WASM_BINDGEN_USE_BROWSER", "1");
                browser.steer(command);
            }
            Self::Worker(browser) => {
                command.env("WASM_BINDGEN_USE_DEDICATED_WORKER", "1");
                browser.steer(command);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_are_named() {
        let output = "running 2 tests\n\
            test good ... ok\n\
            test suite::bad ... FAIL\n\
            test worse ... FAIL\n";
        assert_eq!(failed_tests(output), ["suite::bad", "worse"]);
    }

    #[test]
    fn passed_tests_are_summed_over_programs() {
        let output = "running 2 tests\n\
            test result: ok. 2 passed; 0 failed; 0 ignored; 0 filtered out; finished in 0.10s\n\
            test result: ok. 10 passed; 0 failed\n\
            test result: FAILED. 3 passed; 1 failed\n";
        assert_eq!(passed_tests(output), 12);
    }
}

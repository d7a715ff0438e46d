//! All tests, in all places, or in some of them.

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::Result;

use crate::artifacts::Program;
use crate::browsers::{Browser, Ready};
use crate::cargo_tools::CargoTool;
use crate::deno;
use crate::e2e::{self, Pages};
use crate::edge;
use crate::guide;
use crate::native;
use crate::npm::NpmTool;
use crate::peer::TestPeers;
use crate::report::{Outcome, Report};
use crate::setup::Needs;
use crate::system;
use crate::wasm::{self, Place};
use crate::workspace::{FETCH, Workspace};

/// What `cargo xtask test` takes; without any of it, everything runs.
#[derive(clap::Args, Clone, Default)]
pub(crate) struct Args {
    /// Run the native tests and the examples
    #[arg(long)]
    native: bool,
    /// Run the wasm tests in Node
    #[arg(long)]
    node: bool,
    /// Run the example of edge runtimes, in workerd and in Deno
    #[arg(long)]
    edge: bool,
    /// Run the wasm tests in Deno
    #[arg(long)]
    deno: bool,
    /// Run the wasm tests and the end-to-end tests in this browser (can be repeated)
    #[arg(long, value_name = "BROWSER")]
    browser: Vec<Browser>,
}

/// Runs the tests and prints what passed.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    let report = Report::new();
    steps(workspace, args, &report)?;
    Ok(report.finish())
}

/// Runs the tests as steps of a report.
///
/// # Errors
/// If what they need cannot be installed.
pub(crate) fn steps(workspace: &Workspace, args: &Args, report: &Report) -> Result<()> {
    let selection = Selection::new(args);
    selection.needs().install(workspace)?;
    if selection.native {
        native::run(workspace, report);
    }
    if selection.edge {
        edge::run(workspace, report);
    }
    if selection.tests_wasm() {
        wasm_steps(workspace, &selection, report)?;
    }
    Ok(())
}

/// What of it all is to run.
struct Selection {
    native: bool,
    node: bool,
    edge: bool,
    deno: bool,
    browsers: Vec<Browser>,
    /// The guide's way, with wasm-pack.
    guide: bool,
}

impl Selection {
    fn new(args: &Args) -> Self {
        let some = args.native || args.node || args.edge || args.deno;
        let all = !some && args.browser.is_empty();
        let mut browsers = args.browser.clone();
        browsers.sort_unstable();
        browsers.dedup();
        Self {
            native: all || args.native,
            node: all || args.node,
            edge: all || args.edge,
            deno: all || args.deno,
            browsers: if all { Browser::ALL.to_vec() } else { browsers },
            guide: all,
        }
    }

    /// Whether there are wasm suites to be run.
    fn tests_wasm(&self) -> bool {
        self.node || self.deno || !self.browsers.is_empty()
    }

    fn needs(&self) -> Needs {
        Needs {
            wasm: self.edge || self.tests_wasm(),
            own_std: !self.browsers.is_empty(),
            wasm_opt: self.guide,
            node: self.node,
            npm: match (self.edge, self.deno) {
                (true, _) => edge::tools(),
                (false, true) => vec![NpmTool::deno()],
                (false, false) => Vec::new(),
            },
            wasm_pack: self.guide,
            browsers: self.browsers.clone(),
            ..Needs::default()
        }
    }
}

fn wasm_steps(workspace: &Workspace, selection: &Selection, report: &Report) -> Result<()> {
    let runner = CargoTool::wasm_bindgen(workspace)?.program("wasm-bindgen-test-runner")?;
    let mut peers = None;
    let mut suites = Vec::new();
    report.step("wasm tests, built", |status| {
        let peers = peers.insert(TestPeers::start(workspace, status)?);
        suites = wasm::build(workspace, peers, status)?;
        // They wait most, for their servers: the others run beside them.
        suites.sort_by_key(|suite| !meets_platform(suite));
        Ok(Outcome::Passed(format!("{} suites", suites.len())))
    });
    if suites.is_empty() {
        return Ok(());
    }

    let suites = Suites {
        all: suites,
        runner,
    };
    let mut browsers = Vec::new();
    for browser in &selection.browsers {
        match browser.find() {
            Ok(installed) => browsers.push(installed.prepare(workspace)?),
            Err(why) => report.absent(browser.name(), &why),
        }
    }
    // The suites wait for timers and servers most of the time, and who plays a person for pages.
    thread::scope(|scope| {
        scope.spawn(|| {
            suites.run_without_browsers(workspace, selection, report);
            for browser in &browsers {
                suites.run_in(browser, workspace, report);
            }
        });
        pages(workspace, &browsers, report);
        match &browsers[..] {
            [chromium, ..] if chromium.browser() == Browser::Chromium => {
                suites.run_window_only(chromium, workspace, report);
                if selection.guide {
                    guide::run(workspace, chromium, report)?;
                }
            }
            _ => {}
        }
        Ok(())
    })
}

/// The pages, in each browser.
fn pages(workspace: &Workspace, browsers: &[Ready], report: &Report) {
    if browsers.is_empty() {
        return;
    }
    let mut pages = None;
    report.step("pages, built and served", |status| {
        pages = Some(Pages::start(workspace, status)?);
        Ok(Outcome::Passed(String::new()))
    });
    let Some(pages) = pages else { return };
    for browser in browsers {
        report.step(&format!("pages, {}", browser.browser().name()), |status| {
            e2e::run(workspace, browser, &pages, status)
        });
    }
}

/// The wasm suites, and what runs them.
struct Suites {
    all: Vec<Program>,
    runner: PathBuf,
}

impl Suites {
    /// Runs them in Node, and in Deno those that meet the platform; the others ran in Node, by the
    /// same engine.
    fn run_without_browsers(&self, workspace: &Workspace, selection: &Selection, report: &Report) {
        if selection.node {
            let name = "wasm tests, node";
            if system::program(&["node"]).is_some() {
                report.step(name, |status| {
                    wasm::run(&self.all, &self.runner, Place::Node, status)
                });
            } else {
                report.absent(name, "Node.js is not installed");
            }
        }
        if selection.deno {
            let name = "wasm tests, deno";
            match deno::for_runner(workspace) {
                Ok(folder) => report.step(name, |status| {
                    let suites = self.all.iter().filter(|suite| meets_platform(suite));
                    let suites: Vec<&Program> = suites.collect();
                    wasm::run(&suites, &self.runner, Place::Deno(&folder), status)
                }),
                Err(why) => report.absent(name, &format!("{why:#}")),
            }
        }
    }

    /// Runs those of the core again, with the timers that there are in windows alone.
    fn run_window_only(&self, browser: &Ready, workspace: &Workspace, report: &Report) {
        let name = format!("wasm-timer, {}, window", browser.browser().name());
        report.step(&name, |status| {
            let own = wasm::build_window_only(workspace, status)?;
            wasm::run(&own, &self.runner, Place::Window(browser), status)
        });
    }

    /// Runs them in the windows and workers of a browser.
    fn run_in(&self, browser: &Ready, workspace: &Workspace, report: &Report) {
        let name = browser.browser().name();
        for (place, where_) in [
            (Place::Window(browser), "window"),
            (Place::Worker(browser), "worker"),
        ] {
            report.step(&format!("wasm tests, {name}, {where_}"), |status| {
                wasm::run(&self.all, &self.runner, place, status)
            });
        }
        // What there is to ask for, in a worker that answers for a site.
        report.step(&format!("fetch, {name}, service worker"), |status| {
            let fetch = workspace.package_dir(FETCH)?;
            let suites = self.all.iter().filter(|suite| suite.package_dir == fetch);
            let suites: Vec<&Program> = suites.collect();
            wasm::run(&suites, &self.runner, Place::ServiceWorker(browser), status)
        });
    }
}

/// Whether a suite is of a crate that talks to the platform by itself, or to what does.
fn meets_platform(suite: &Program) -> bool {
    let folder = suite.package_dir.file_name().unwrap_or_default();
    [
        "choreo-core",
        "custom-transport",
        "session",
        "transport-fetch",
        "transport-websocket",
    ]
    .iter()
    .any(|known| folder == *known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_arguments_everything_runs() {
        let all = Selection::new(&Args::default());
        assert!(all.native && all.node && all.edge && all.deno && all.guide);
        assert_eq!(all.browsers, Browser::ALL);
    }

    #[test]
    fn arguments_narrow_it() {
        let args = Args {
            browser: vec![Browser::Webkit, Browser::Firefox, Browser::Webkit],
            ..Args::default()
        };
        let some = Selection::new(&args);
        assert!(!some.native && !some.node && !some.edge && !some.deno && !some.guide);
        assert_eq!(some.browsers, [Browser::Firefox, Browser::Webkit]);
        assert!(some.needs().wasm && !some.needs().wasm_pack);
        let native = Args {
            native: true,
            ..Args::default()
        };
        assert!(!Selection::new(&native).needs().wasm);
        let edge = Args {
            edge: true,
            ..Args::default()
        };
        let edge = Selection::new(&edge);
        assert!(!edge.native && !edge.needs().npm.is_empty());
    }
}

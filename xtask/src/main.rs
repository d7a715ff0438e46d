//! Set-up, demo, tests and checks of this workspace: `cargo xtask --help`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod abreast;
mod artifacts;
mod bench;
mod browsers;
mod bundle;
mod cache;
mod cargo_tools;
mod ci;
mod demo;
mod deno;
mod display;
mod e2e;
mod edge;
mod exec;
mod features;
mod guide;
mod listener;
mod names;
mod native;
mod npm;
mod own_std;
mod peer;
mod progress;
mod report;
mod serve;
mod setup;
mod size;
mod system;
mod test;
mod wasm;
mod wasm_opt;
mod workspace;

/// Sets up, shows, tests and measures this workspace.
///
/// Each command finds out what it needs, installs what is missing, and says what it does.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing: the wasm target, wasm-bindgen, edge runtimes, browsers and their drivers
    Setup(setup::Args),
    /// Build a browser example, serve it with what it needs, and print its address
    Demo(demo::Args),
    /// Run all tests: native, Node, Deno, edge runtimes, and three browsers; or some of them
    Test(test::Args),
    /// Measure round trips in browsers beside those of a bare WebSocket; prints the ratios
    Bench(bench::Args),
    /// Measure the browser examples after wasm-opt; fails above their budgets
    Size,
    /// Run everything a change must pass: format, lints, docs, features, licences, tests, size
    Ci(ci::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    let workspace = workspace::Workspace::load()?;
    match task {
        Task::Setup(args) => setup::run(&workspace, &args),
        Task::Demo(args) => demo::run(&workspace, &args),
        Task::Test(args) => test::run(&workspace, &args),
        Task::Bench(args) => bench::run(&workspace, &args),
        Task::Size => size::run(&workspace),
        Task::Ci(args) => ci::run(&workspace, &args),
    }
}

//! The relay as a program: `choreo-relay --help`.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("choreo-relay: {error:#}");
            ExitCode::FAILURE
        }
    }
}

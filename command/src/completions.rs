//! `choreo completions`.

use anyhow::Result;
use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::cli::Cli;
use crate::run::print;

pub(crate) fn run(shell: Shell) -> Result<()> {
    let (mut command, mut script) = (Cli::command(), Vec::new());
    generate(shell, &mut command, "choreo", &mut script);
    print(&String::from_utf8_lossy(&script))
}

//! A program of this workspace that listens, and says where in its first line.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::artifacts;
use crate::exec;
use crate::progress::Status;

/// A running one; dropping it ends it.
pub(crate) struct Listener {
    process: Child,
    /// What it says besides finds an open ear, and nobody who listens.
    output: BufReader<ChildStdout>,
    /// Where it listens.
    pub(crate) url: String,
    /// The path of the program.
    pub(crate) program: PathBuf,
}

impl Listener {
    /// Builds the program of that name with a cargo command, and starts it.
    ///
    /// # Errors
    /// If it does not compile, or does not say where it listens.
    pub(crate) fn start(
        cargo: &mut Command,
        name: &str,
        args: &[String],
        status: &Status,
    ) -> Result<Self> {
        let programs = artifacts::build(cargo, status)?;
        let program = programs.iter().find(|program| program.name == name);
        let program = program.with_context(|| format!("cargo built no program `{name}`"))?;
        let mut command = Command::new(&program.path);
        let mut process = command
            .args(args)
            // Some end when their input does, however we end.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", exec::describe(&command)))?;
        let output = process.stdout.take().context("its output is piped")?;
        let mut listener = Self {
            process,
            output: BufReader::new(output),
            url: String::new(),
            program: program.path.clone(),
        };
        let mut line = String::new();
        listener.output.read_line(&mut line)?;
        let url = line.split_whitespace().next_back().unwrap_or_default();
        ensure!(
            url.contains("://"),
            "{} does not say where it listens",
            program.path.display()
        );
        listener.url = url.to_owned();
        Ok(listener)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

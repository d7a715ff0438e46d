//! The server that the WebSocket tests talk to.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::artifacts;
use crate::progress::Status;
use crate::workspace::Workspace;

/// Where the tests look for its address, when they are compiled.
pub(crate) const VARIABLE: &str = "CHOREO_TEST_PEER";

/// The package that has it as an example.
const PACKAGE: &str = "choreo-transport-websocket";
const EXAMPLE: &str = "test-peer";

/// The running server; dropping it ends it.
pub(crate) struct Peer {
    process: Child,
    /// Where it listens.
    pub(crate) url: String,
}

impl Peer {
    /// Builds and starts it.
    ///
    /// # Errors
    /// If it does not compile, or does not say where it listens.
    pub(crate) fn start(workspace: &Workspace, status: &Status) -> Result<Self> {
        let mut cargo = workspace.cargo(["build", "--package", PACKAGE, "--example", EXAMPLE]);
        let programs = artifacts::build(&mut cargo, status)?;
        let program = programs.iter().find(|program| program.name == EXAMPLE);
        let program = program.with_context(|| format!("cargo built no example `{EXAMPLE}`"))?;
        let process = Command::new(&program.path)
            // It ends when its input does, however we end.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.path.display()))?;
        let mut peer = Self {
            process,
            url: String::new(),
        };
        let output = peer.process.stdout.take().context("its output is piped")?;
        BufReader::new(output).read_line(&mut peer.url)?;
        peer.url.truncate(peer.url.trim_end().len());
        ensure!(
            peer.url.starts_with("ws://"),
            "{} does not say where it listens",
            program.path.display()
        );
        Ok(peer)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! A display that nobody sees, for a browser without a headless mode.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// A running `Xvfb`; dropping it ends it.
pub(crate) struct Display {
    server: Child,
    number: u32,
}

impl Display {
    /// Starts a server on a display that is free, and waits until it takes clients.
    ///
    /// # Errors
    /// If `Xvfb` cannot be started.
    pub(crate) fn start() -> Result<Self> {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x1024x24"])
            .args(["-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start Xvfb")?;
        // It writes the number once it is ready, or closes the pipe if it fails.
        let mut line = String::new();
        if let Some(stdout) = server.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let number = line.trim().parse();
        if number.is_err() {
            let _ = server.kill();
            let _ = server.wait();
        }
        ensure!(number.is_ok(), "Xvfb ended without a display");
        Ok(Self {
            server,
            number: number?,
        })
    }

    /// The value of `DISPLAY` for its clients.
    pub(crate) fn name(&self) -> String {
        format!(":{}", self.number)
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

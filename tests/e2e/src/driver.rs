//! The program that steers a browser.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// How long a driver may take until it answers.
const START: Duration = Duration::from_secs(30);

/// A running driver; dropping it ends it.
#[derive(Debug)]
pub struct Driver {
    process: Child,
    port: u16,
}

impl Driver {
    /// Starts the driver at `path` on a free port and waits until it listens.
    ///
    /// # Errors
    /// If it cannot be started, ends at once, or does not listen within half a minute.
    pub async fn start(path: &Path) -> Result<Self> {
        let port = free_port().context("no free port for the driver")?;
        let process = Command::new(path)
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start the driver {}", path.display()))?;
        let mut driver = Self { process, port };
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .is_err()
        {
            if let Some(status) = driver.process.try_wait()? {
                bail!("the driver {} ended at once: {status}", path.display());
            }
            if started.elapsed() > START {
                bail!("the driver {} does not listen", path.display());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(driver)
    }

    /// Where it takes commands.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that was free a moment ago: drivers do not tell which one they chose.
fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

use std::io::Result;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};

/// The signals to stop that have come since this was made.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupted: Signal,
    #[cfg(unix)]
    terminated: Signal,
    #[cfg(windows)]
    interrupted: CtrlC,
}

/// 128 and the number of the signal.
const INTERRUPTED: u8 = 130;
#[cfg(unix)]
const TERMINATED: u8 = 143;

impl Signals {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            interrupted: signal(SignalKind::interrupt())?,
            #[cfg(unix)]
            terminated: signal(SignalKind::terminate())?,
            #[cfg(windows)]
            interrupted: ctrl_c()?,
        })
    }

    /// Waits for one, and gives the exit code of a program that it has ended.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.terminated.recv() => TERMINATED,
            _ = self.interrupted.recv() => INTERRUPTED,
        }
    }

    /// Waits for one, and gives the exit code of a program that it has ended.
    #[cfg(windows)]
    pub(crate) async fn next(&mut self) -> u8 {
        self.interrupted.recv().await;
        INTERRUPTED
    }
}

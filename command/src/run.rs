use std::ffi::OsString;
use std::io::{ErrorKind, Write, stdout};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

use crate::cli::Cli;

/// The exit code when something is wrong, but not the command line.
pub(crate) const FAILED: u8 = 1;

/// Does what the command line of the process says: the whole of a `main`.
///
/// A program of one's own with this `main`, in which other plug-ins are linked, is the command with
/// these plug-ins:
///
/// ```no_run
/// # #![allow(clippy::needless_doctest_main)]
/// fn main() -> std::process::ExitCode {
///     choreo_command::main()
/// }
/// ```
#[must_use]
pub fn main() -> ExitCode {
    run(std::env::args_os()).into()
}

/// Does what a command line says, whose first word is the program's name, and gives the exit code: 0
/// when all is well, 1 when it is not, 2 when the command line itself is wrong, and that of a signal
/// as shells count it.
///
/// Results go to stdout, everything else to stderr.
///
/// ```
/// assert_eq!(choreo_command::run(["choreo", "plugins", "retry"]), 0);
/// assert_eq!(choreo_command::run(["choreo", "plugins", "retri"]), 2);
/// ```
pub fn run<A: Into<OsString> + Clone>(args: impl IntoIterator<Item = A>) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    match cli.run() {
        Ok(code) => code,
        Err(error) => match error.downcast::<clap::Error>() {
            Ok(error) => refuse(&error),
            Err(error) => {
                tell(&error);
                FAILED
            }
        },
    }
}

/// Tells what is wrong with the command line, or what help it asked for.
fn refuse(error: &clap::Error) -> u8 {
    // Nobody is left to be told when this fails.
    let _ = error.print();
    u8::try_from(error.exit_code()).unwrap_or(FAILED)
}

/// Tells of an error on stderr.
pub(crate) fn tell(error: &anyhow::Error) {
    eprintln!("choreo: {error:#}");
}

/// Prints a result. Who reads it may stop reading, as `head` does.
pub(crate) fn print(result: &str) -> Result<()> {
    let mut stdout = stdout().lock();
    let printed = stdout
        .write_all(result.as_bytes())
        .and_then(|()| stdout.flush());
    match printed {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("the result cannot be printed")
        }
        _ => Ok(()),
    }
}

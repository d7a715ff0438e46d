//! Runs other programs: their output is kept, and shown when they fail.

use std::io::{self, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::progress::{self, Status};

/// How long to wait for the rest of the output once a program has ended: a browser that
/// it left behind may hold the pipe open.
const DRAIN: Duration = Duration::from_secs(2);

/// What a program left behind.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    /// What it wrote, both streams in the order in which it came.
    pub(crate) output: String,
}

/// Runs `command`, shows its last line of output as the status, and keeps all of it.
///
/// # Errors
/// If the program cannot be started. A program that fails is an `Ok` with its status.
pub(crate) fn output(command: &mut Command, status: &Status) -> Result<Finished> {
    let (reader, writer) = io::pipe().context("cannot create a pipe")?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone().context("cannot share a pipe")?)
        .stderr(writer);
    let child = command.spawn();
    // The command holds the writing ends; the reader would never see the end with them open.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = child.with_context(|| format!("cannot start {}", describe(command)))?;

    let kept = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&kept);
    let reader = thread::spawn(move || drain(reader, &sink));
    let exit = loop {
        if let Some(exit) = child.try_wait().context("cannot wait for a program")? {
            break exit;
        }
        status.set(last_line(
            &kept.lock().unwrap_or_else(PoisonError::into_inner),
        ));
        thread::sleep(Duration::from_millis(20));
    };
    let ended = Instant::now();
    while !reader.is_finished() && ended.elapsed() < DRAIN {
        thread::sleep(Duration::from_millis(10));
    }
    let output =
        String::from_utf8_lossy(&kept.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    Ok(Finished {
        status: exit,
        output,
    })
}

/// Runs `work` under a title of its own and prints how it ended.
///
/// # Errors
/// If the work fails.
pub(crate) fn step<T>(title: &str, work: impl FnOnce(&Status) -> Result<T>) -> Result<T> {
    let (result, took) = progress::watch(title, work);
    let mark = if result.is_ok() { "ok" } else { "FAILED" };
    progress::finished(mark, title, took, "");
    result
}

/// Runs `command`, which must succeed, as a part of a step.
///
/// # Errors
/// If the program cannot be started or does not succeed; the error holds its output.
pub(crate) fn succeed(command: &mut Command, status: &Status) -> Result<String> {
    let finished = output(command, status)?;
    if !finished.status.success() {
        let (line, code) = (describe(command), finished.status);
        bail!("{line}: {code}\n\n{}", finished.output.trim_end());
    }
    Ok(finished.output)
}

/// The command as one would type it, with the variables that we set.
pub(crate) fn describe(command: &Command) -> String {
    let env = command.get_envs().filter_map(|(key, value)| {
        let value = value?.to_string_lossy();
        Some(format!("{}={}", key.to_string_lossy(), quoted(&value)))
    });
    let program = command.get_program();
    let cargo = std::env::var_os("CARGO").is_some_and(|cargo| cargo == program);
    let program = if cargo {
        "cargo".into()
    } else {
        quoted(&program.to_string_lossy())
    };
    let args = command.get_args().map(|arg| quoted(&arg.to_string_lossy()));
    let words: Vec<String> = env.chain([program]).chain(args).collect();
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn drain(mut reader: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 8192];
    while let Ok(read @ 1..) = reader.read(&mut buffer) {
        kept.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(&buffer[..read]);
    }
}

/// The last line for people, without control characters.
fn last_line(output: &[u8]) -> String {
    let for_people = |line: &&[u8]| !line.is_empty() && !line.starts_with(b"{");
    let line = output
        .rsplit(|byte| matches!(byte, b'\n' | b'\r'))
        .map(<[u8]>::trim_ascii)
        .find(for_people);
    let line = String::from_utf8_lossy(line.unwrap_or_default());
    line.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_of_both_streams_is_kept() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let finished = output(&mut command, &Status::default()).unwrap();
        assert_eq!(finished.status.code(), Some(3));
        assert_eq!(finished.output, "out\nerr\n");
    }

    #[test]
    fn a_failure_names_the_command_and_shows_its_output() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo broken; exit 1"]).env("A", "b c");
        let error = succeed(&mut command, &Status::default()).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("A='b c' sh -c 'echo broken; exit 1'"),
            "{text}"
        );
        assert!(text.contains("\nbroken"), "{text}");
    }

    #[test]
    fn a_background_child_does_not_hold_us() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 20 & echo done"]);
        let started = Instant::now();
        let finished = output(&mut command, &Status::default()).unwrap();
        assert_eq!(finished.output, "done\n");
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn the_last_line_is_for_people() {
        assert_eq!(last_line(b"one\n{\"reason\":1}\n{\"rea"), "one");
        assert_eq!(last_line(b"one\n\x1b[1mtwo\x1b[0m\n\n"), "[1mtwo[0m");
        assert_eq!(last_line(b""), "");
    }
}

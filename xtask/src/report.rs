//! What ran, what passed, what was skipped, and how long it took.

use std::process::{Command, ExitCode};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::exec;
use crate::progress::{self, Status};

/// How one step ended.
pub(crate) enum Outcome {
    /// It passed; a note says what it did.
    Passed(String),
    /// It could not run here; the text says why.
    Skipped(String),
}

/// The steps that have run so far, one after the other or several at once.
pub(crate) struct Report {
    steps: Mutex<Vec<Step>>,
    started: Instant,
    /// Whether a skipped step that should run everywhere is a failure.
    strict: bool,
}

struct Step {
    name: String,
    mark: &'static str,
    note: String,
    took: Duration,
}

const PASSED: &str = "ok";
const FAILED: &str = "FAILED";
const SKIPPED: &str = "skipped";

impl Report {
    /// An empty report; in CI, where `CI` is set, what is skipped by [`Report::absent`] fails.
    pub(crate) fn new() -> Self {
        let ci = std::env::var("CI").is_ok_and(|ci| !matches!(ci.as_str(), "" | "0" | "false"));
        Self {
            steps: Mutex::default(),
            started: Instant::now(),
            strict: ci,
        }
    }

    /// Runs one step and prints how it ended, with its output if it failed.
    pub(crate) fn step(&self, name: &str, work: impl FnOnce(&Status) -> Result<Outcome>) {
        let (result, took) = progress::watch(name, work);
        let (mark, note) = match result {
            Ok(Outcome::Passed(note)) => (PASSED, note),
            Ok(Outcome::Skipped(why)) => (SKIPPED, why),
            Err(error) => {
                eprintln!("{error:#}\n");
                (FAILED, "its output is above".to_owned())
            }
        };
        self.record(name, mark, note, took);
    }

    /// Runs one command as a step.
    pub(crate) fn command(&self, name: &str, command: &mut Command) {
        self.step(name, |status| {
            exec::succeed(command, status).map(|_| Outcome::Passed(String::new()))
        });
    }

    /// Notes a step that cannot run because something is not there: a failure in CI.
    pub(crate) fn absent(&self, name: &str, why: &str) {
        if self.strict {
            let note = format!("{why}; nothing is skipped where CI is set");
            self.record(name, FAILED, note, Duration::ZERO);
        } else {
            self.record(name, SKIPPED, why.to_owned(), Duration::ZERO);
        }
    }

    /// Prints the table and the counts, the counts on the last line.
    pub(crate) fn finish(self) -> ExitCode {
        let steps = self.steps();
        let width = steps.iter().map(|step| step.name.chars().count());
        let width = width.max().unwrap_or(0);
        println!();
        for step in steps.iter() {
            let (mark, name, time) = (step.mark, &step.name, progress::human(step.took));
            let line = format!("{mark:>7}  {name:width$}  {time:>12}  {}", step.note);
            println!("{}", line.trim_end());
        }
        drop(steps);
        println!("\nin {}", progress::human(self.started.elapsed()));
        println!("{}", self.counts());
        if self.count(FAILED) == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn record(&self, name: &str, mark: &'static str, note: String, took: Duration) {
        progress::finished(mark, name, took, &note);
        self.steps().push(Step {
            name: name.to_owned(),
            mark,
            note,
            took,
        });
    }

    fn steps(&self) -> MutexGuard<'_, Vec<Step>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self) -> String {
        let [passed, failed, skipped] = [PASSED, FAILED, SKIPPED].map(|mark| self.count(mark));
        format!("{passed} passed, {failed} failed, {skipped} skipped")
    }

    fn count(&self, mark: &str) -> usize {
        let steps = self.steps();
        steps.iter().filter(|step| step.mark == mark).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(strict: bool) -> Report {
        Report {
            strict,
            ..Report::new()
        }
    }

    #[test]
    fn steps_are_counted_by_their_end() {
        let report = report(false);
        report.step("good", |_| Ok(Outcome::Passed(String::new())));
        report.step("bad", |_| anyhow::bail!("broken"));
        report.absent("webkit", "not installed");
        assert_eq!(report.counts(), "1 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn what_is_absent_fails_in_ci() {
        let report = report(true);
        report.absent("webkit", "not installed");
        assert_eq!(report.counts(), "0 passed, 1 failed, 0 skipped");
    }
}

//! Shows that a long step lives: a ticking line in a terminal, a heartbeat in a log.

use std::io::{IsTerminal, Write, stderr};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How often a line says that a step is still running where no line can tick.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How often the line in a terminal changes.
const TICK: Duration = Duration::from_millis(200);

/// Empties a line in which another step may tick.
const CLEAR: &str = "\r\x1b[2K";

/// Held by whose line ticks in the terminal: of the steps that run at once, one.
static LINE: Mutex<()> = Mutex::new(());

/// What a step is doing right now; the terminal shows it beside the time.
#[derive(Default)]
pub(crate) struct Status(Mutex<String>);

impl Status {
    /// Replaces what is shown.
    pub(crate) fn set(&self, text: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text.into();
    }

    fn get(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Runs `work` and shows its title and how long it has been running until it returns.
pub(crate) fn watch<T>(title: &str, work: impl FnOnce(&Status) -> T) -> (T, Duration) {
    let started = Instant::now();
    let status = Status::default();
    let (running, stopped) = mpsc::channel::<()>();
    let value = thread::scope(|scope| {
        // Dropped when the work returns or panics: either ends the ticker.
        let running = running;
        let status = &status;
        scope.spawn(move || tick(title, started, status, &stopped));
        let value = work(status);
        drop(running);
        value
    });
    (value, started.elapsed())
}

/// Prints one finished step: `mark  title  time  note`.
pub(crate) fn finished(mark: &str, title: &str, took: Duration, note: &str) {
    let line = format!("{mark:>7}  {title}  ({})  {note}", human(took));
    let clear = if stderr().is_terminal() { CLEAR } else { "" };
    eprintln!("{clear}{}", line.trim_end());
}

/// A time as people say it: `0.4 s`, `12 s`, `3 min 05 s`.
pub(crate) fn human(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

fn tick(title: &str, started: Instant, status: &Status, stopped: &Receiver<()>) {
    let terminal = stderr().is_terminal();
    if !terminal {
        eprintln!("{:>7}  {title}", "...");
    }
    let mut line = None;
    let pause = if terminal { TICK } else { HEARTBEAT };
    while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        let (time, doing) = (human(started.elapsed()), status.get());
        if terminal {
            line = line.or_else(|| LINE.try_lock().ok());
            if line.is_none() {
                continue;
            }
            // Without line wrap, so that one carriage return always finds the line's start.
            eprint!(
                "{CLEAR}\x1b[?7l{:>7}  {title}  {time}  {doing}\x1b[?7h",
                "..."
            );
            let _ = stderr().flush();
        } else {
            eprintln!("{:>7}  {title}: {time} so far  {doing}", "...");
        }
    }
    if line.is_some() {
        eprint!("{CLEAR}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        assert_eq!(human(Duration::from_millis(430)), "0.4 s");
        assert_eq!(human(Duration::from_secs(59)), "59 s");
        assert_eq!(human(Duration::from_secs(185)), "3 min 05 s");
    }

    #[test]
    fn the_ticker_ends_with_the_work() {
        let (value, took) = watch("nothing", |_| 7);
        assert_eq!(value, 7);
        assert!(took < Duration::from_secs(5));
    }
}

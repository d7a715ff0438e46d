use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use choreo::runtime::Instant;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps what `tracing` is told, as lines for the page: when (since the start), how grave, what.
///
/// Each run has its own, and the one that listened last gets what is told. Clones are the same log.
#[derive(Clone, Debug)]
pub struct TraceLog {
    started: Instant,
    lines: Arc<Mutex<Lines>>,
}

#[derive(Debug, Default)]
struct Lines {
    text: String,
    count: usize,
}

impl TraceLog {
    /// How many lines there can be; what comes after is left out.
    pub const CAPACITY: usize = 2_000;

    /// An empty log that starts now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            lines: Arc::default(),
        }
    }

    /// Gets what `tracing` is told from now on, in place of the log that did so before.
    pub fn listen(&self) {
        *LISTENING.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clone());
        // Fails when it is there already, as it is from the second run on.
        let _ = tracing::subscriber::set_global_default(Events);
    }

    /// The lines since this was called last, each with its end.
    #[must_use]
    pub fn take(&self) -> String {
        std::mem::take(&mut self.lines().text)
    }

    fn write(&self, event: &Event<'_>) {
        let mut lines = self.lines();
        if lines.count == Self::CAPACITY {
            return;
        }
        lines.count += 1;
        // Tenths by hand: the formatting of floats would be a tenth of the module.
        let at = self.started.elapsed();
        let (milliseconds, tenths) = (at.as_millis() as u32, at.subsec_micros() / 100 % 10);
        let level = event.metadata().level();
        // Writing to a string does not fail.
        let _ = write!(lines.text, "{milliseconds:5}.{tenths} ms {level:>5} ");
        event.record(&mut Line(&mut lines.text));
        lines.text.push('\n');
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for TraceLog {
    fn default() -> Self {
        Self::new()
    }
}

/// The log that listens.
static LISTENING: Mutex<Option<TraceLog>> = Mutex::new(None);

/// What `tracing` tells. Events say it all, so spans are not looked at.
///
/// It is the one subscriber of the program. One for each task would be a feature of `tracing`
/// that is larger than all of this.
struct Events;

impl Subscriber for Events {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        let listening = LISTENING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = &*listening {
            log.write(event);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An event's message, then its fields: `sent role=Alice peer=Bob`.
struct Line<'a>(&'a mut String);

impl Line<'_> {
    fn put(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{value}"),
            name => write!(self.0, " {name}={value}"),
        };
    }
}

impl Visit for Line<'_> {
    // What Trace never gives, and what formatting it would cost is a lot for a page to load.

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, format_args!("{}", value as i64));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, format_args!("{value}"));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.put(field, format_args!("{}", value as i64));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.put(field, format_args!("{}", value as u64));
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.put(field, format_args!("{} bytes", value.len()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format_args!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_up_to_the_bound() {
        let log = TraceLog::new();
        log.listen();
        for bytes in 0..=TraceLog::CAPACITY {
            tracing::debug!(role = "Alice", bytes, "sent");
        }
        let all = log.take();
        let lines: Vec<_> = all.lines().collect();
        assert_eq!(lines.len(), TraceLog::CAPACITY);
        assert!(
            lines[7].ends_with("ms DEBUG sent role=Alice bytes=7"),
            "{}",
            lines[7]
        );
        assert!(log.take().is_empty());
    }
}

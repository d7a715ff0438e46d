use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use choreo::runtime::Instant;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps what `tracing` is told, as lines for the page: when (since the start), how grave, what.
///
/// A run has its own, so that runs do not mix. Clones are the same log.
#[derive(Clone, Debug)]
pub struct TraceLog {
    started: Instant,
    lines: Arc<Mutex<Vec<String>>>,
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

    /// The lines behind the first `known`, each with its end.
    #[must_use]
    pub fn after(&self, known: usize) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.get(known..).unwrap_or_default().concat()
    }
}

impl Default for TraceLog {
    fn default() -> Self {
        Self::new()
    }
}

/// Events say it all, so spans are not looked at.
impl Subscriber for TraceLog {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        // Tenths by hand: the formatting of floats would be a tenth of the module.
        let at = self.started.elapsed();
        let (milliseconds, tenths) = (at.as_millis() as u32, at.subsec_micros() / 100 % 10);
        let level = event.metadata().level();
        let mut line = Line(format!("{milliseconds:5}.{tenths} ms {level:>5} "));
        event.record(&mut line);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < Self::CAPACITY {
            line.0.push('\n');
            lines.push(line.0);
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
struct Line(String);

impl Line {
    fn put(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{value}"),
            name => write!(self.0, " {name}={value}"),
        };
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, format_args!("{}", value as i64));
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
        tracing::subscriber::with_default(log.clone(), || {
            for bytes in 0..=TraceLog::CAPACITY {
                tracing::debug!(role = "Alice", bytes, "sent");
            }
        });
        let all = log.after(0);
        let lines: Vec<_> = all.lines().collect();
        assert_eq!(lines.len(), TraceLog::CAPACITY);
        assert!(
            lines[7].ends_with("ms DEBUG sent role=Alice bytes=7"),
            "{}",
            lines[7]
        );
        assert_eq!(log.after(TraceLog::CAPACITY - 1).lines().count(), 1);
        assert!(log.after(TraceLog::CAPACITY + 1).is_empty());
    }
}

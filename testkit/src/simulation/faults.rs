use super::Span;

/// What a network does to what is sent over it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    /// How long a message is under way.
    pub(super) delay: Span,
    // Probabilities, for each message.
    pub(super) loss: f64,
    pub(super) repeat: f64,
    pub(super) reorder: f64,
}

impl Faults {
    /// A network that is as fast or slow as before, and makes no mistakes.
    pub(super) fn calm(self) -> Self {
        Self {
            delay: self.delay,
            ..Self::default()
        }
    }
}

/// # Panics
/// When it is no probability.
#[track_caller]
pub(super) fn probability(what: &str, probability: f64) -> f64 {
    assert!(
        (0.0..=1.0).contains(&probability),
        "a probability of {what} is from 0 to 1, and not {probability}"
    );
    probability
}

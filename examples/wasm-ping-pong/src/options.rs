/// What to run, and over which layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What Alice says.
    pub message: String,
    /// How often.
    pub rounds: usize,
    /// Whether to log each operation.
    pub trace: bool,
    /// Whether to count operations.
    pub metrics: bool,
    /// Whether to repeat sends that failed.
    pub retry: bool,
    /// How long an operation may take, in milliseconds; `None` for as long as it likes.
    pub timeout: Option<u32>,
    /// Whether to make sends fail, and which.
    pub faults: Option<Faults>,
    /// How long to wait before each operation, in milliseconds; 0 for full speed.
    pub pace: u32,
}

/// Which sends fail.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Chooses them.
    pub seed: u32,
    /// How many, in percent.
    pub rate: f64,
}

impl Options {
    /// One round of that message over no layers, at full speed.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            rounds: 1,
            trace: false,
            metrics: false,
            retry: false,
            timeout: None,
            faults: None,
            pace: 0,
        }
    }

    /// No message yet, over the layers whose bits are set: 1 is Trace, 2 Metrics, 4 Retry,
    /// 8 `FaultInjection`, and 16 Timeout.
    #[must_use]
    pub fn over(layers: u8, pace: u32, limit: u32, faults: Faults) -> Self {
        let chosen = |bit| layers & bit != 0;
        Self {
            trace: chosen(1),
            metrics: chosen(2),
            retry: chosen(4),
            faults: chosen(8).then_some(faults),
            timeout: chosen(16).then_some(limit),
            pace,
            ..Self::new("")
        }
    }
}

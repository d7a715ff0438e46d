use std::ops::RangeInclusive;

use wasm_bindgen::prelude::*;

use crate::Failure;

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
    /// Whether to make sends fail, and which.
    pub faults: Option<Faults>,
    /// How long to wait before each operation, in milliseconds; 0 for full speed.
    pub pace: u32,
}

/// Which sends fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Faults {
    /// Chooses them.
    pub seed: u64,
    /// How many, in percent.
    pub rate: f64,
}

impl Options {
    /// The longest message, in characters.
    pub const LONGEST_MESSAGE: usize = 200;
    /// How many rounds there can be.
    pub const ROUNDS: RangeInclusive<u32> = 1..=50;
    /// The seeds that there are.
    pub const SEEDS: RangeInclusive<u32> = 0..=u32::MAX;
    /// The longest wait before an operation, in milliseconds.
    pub const PACES: RangeInclusive<u32> = 0..=10_000;

    /// One round of that message over no layers, at full speed.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            rounds: 1,
            trace: false,
            metrics: false,
            retry: false,
            faults: None,
            pace: 0,
        }
    }
}

impl TryFrom<&RunOptions> for Options {
    type Error = Failure;

    fn try_from(js: &RunOptions) -> Result<Self, Failure> {
        let message = js.message().unwrap_or_default();
        match message.chars().count() {
            0 => {
                return Err(Failure::input(
                    "message",
                    "The message is empty.",
                    "Type one.",
                ));
            }
            1..=Self::LONGEST_MESSAGE => {}
            _ => {
                let longest = Self::LONGEST_MESSAGE;
                let advice = format!("It takes up to {longest} characters.");
                return Err(Failure::input(
                    "message",
                    "The message is too long.",
                    advice,
                ));
            }
        }
        let rounds = whole(
            js.rounds().unwrap_or(1.0),
            Self::ROUNDS,
            "rounds",
            "The number of rounds",
        )?;
        let faults = if js.faults().unwrap_or_default() {
            let seed = whole(
                js.seed().unwrap_or(0.0),
                Self::SEEDS,
                "fault-seed",
                "The seed",
            )?;
            let rate = js.rate().unwrap_or(0.0);
            if !(0.0..=100.0).contains(&rate) {
                return Err(Failure::input(
                    "fault-rate",
                    "The rate of faults is not a percentage.",
                    "It takes a number from 0 to 100.",
                ));
            }
            Some(Faults {
                seed: seed.into(),
                rate,
            })
        } else {
            None
        };
        let pace = whole(
            js.pace().unwrap_or(0.0),
            Self::PACES,
            "slow",
            "The pace of slow motion",
        )?;
        Ok(Self {
            message,
            rounds: rounds as usize,
            pace,
            faults,
            ..js.layers()
        })
    }
}

/// A whole number within its range. (From JavaScript come floats, and `NaN` for an empty field.)
fn whole(
    number: f64,
    range: RangeInclusive<u32>,
    field: &'static str,
    what: &str,
) -> Result<u32, Failure> {
    let whole = number as u32;
    if range.contains(&whole) && f64::from(whole) == number {
        return Ok(whole);
    }
    Err(Failure::input(
        field,
        format!("{what} is out of range."),
        format!(
            "It takes a whole number from {} to {}.",
            range.start(),
            range.end()
        ),
    ))
}

#[wasm_bindgen(typescript_custom_section)]
const TYPESCRIPT: &str = "
/** What to run, and over which layers. What is left out is off. */
export interface RunOptions {
    message: string;
    /** From 1 to 50. */
    rounds?: number;
    trace?: boolean;
    metrics?: boolean;
    retry?: boolean;
    faults?: boolean;
    /** Chooses which sends fail. */
    seed?: number;
    /** How many sends fail, in percent. */
    rate?: number;
    /** How long to wait before each operation, in milliseconds. */
    pace?: number;
}
";

#[wasm_bindgen]
extern "C" {
    /// A plain JavaScript object with the options.
    #[wasm_bindgen(typescript_type = "RunOptions")]
    pub type RunOptions;

    #[wasm_bindgen(method, getter)]
    fn message(this: &RunOptions) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn rounds(this: &RunOptions) -> Option<f64>;
    #[wasm_bindgen(method, getter)]
    fn trace(this: &RunOptions) -> Option<bool>;
    #[wasm_bindgen(method, getter)]
    fn metrics(this: &RunOptions) -> Option<bool>;
    #[wasm_bindgen(method, getter)]
    fn retry(this: &RunOptions) -> Option<bool>;
    #[wasm_bindgen(method, getter)]
    fn faults(this: &RunOptions) -> Option<bool>;
    #[wasm_bindgen(method, getter)]
    fn seed(this: &RunOptions) -> Option<f64>;
    #[wasm_bindgen(method, getter)]
    fn rate(this: &RunOptions) -> Option<f64>;
    #[wasm_bindgen(method, getter)]
    fn pace(this: &RunOptions) -> Option<f64>;
}

impl RunOptions {
    /// The chosen layers alone, whatever the numbers are: enough to name the stack while somebody
    /// is typing.
    pub(crate) fn layers(&self) -> Options {
        Options {
            trace: self.trace().unwrap_or_default(),
            metrics: self.metrics().unwrap_or_default(),
            retry: self.retry().unwrap_or_default(),
            faults: self
                .faults()
                .unwrap_or_default()
                .then_some(Faults { seed: 0, rate: 0.0 }),
            pace: self.pace().map_or(0, |pace| pace as u32),
            ..Options::new("")
        }
    }
}

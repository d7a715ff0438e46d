//! How long a round trip takes, by this project's code and bare.

use serde::{Deserialize, Serialize};

use crate::{Echo, Over};

/// What is to be measured.
#[derive(Clone, Debug, Serialize)]
pub struct RoundTrips {
    over: Over,
    ours: String,
    bare: String,
    samples: usize,
    trips: u32,
}

/// How long a round trip took, in milliseconds: the mean of some that followed each other.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Sample {
    /// By this project's code.
    pub ours: f64,
    /// By the browser's own.
    pub bare: f64,
}

impl RoundTrips {
    /// So many samples of so many round trips.
    #[must_use]
    pub fn new(to: &Echo, samples: usize, trips: u32) -> Self {
        Self {
            over: to.over,
            ours: to.ours.clone(),
            bare: to.bare.clone(),
            samples,
            trips,
        }
    }
}

impl Sample {
    /// How many times as long as the bare one ours took.
    #[must_use]
    pub fn ratio(self) -> f64 {
        self.ours / self.bare
    }

    /// The median of something about each sample.
    ///
    /// # Panics
    /// When there is no sample.
    #[must_use]
    pub fn median(samples: &[Self], of: impl Fn(Self) -> f64) -> f64 {
        let mut all: Vec<f64> = samples.iter().map(|sample| of(*sample)).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }
}

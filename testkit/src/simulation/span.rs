use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use fastrand::Rng;

/// A time, or a range of times of which each seed draws its own, to the microsecond.
///
/// ```
/// use choreo_testkit::Span;
/// use std::time::Duration;
///
/// let millis = Duration::from_millis;
/// let _fixed = Span::from(millis(5));
/// let _drawn = Span::from(millis(1)..millis(50));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    shortest: Duration,
    longest: Duration,
}

impl Span {
    pub(super) fn draw(self, rng: &mut Rng) -> Duration {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let (shortest, longest) = (micros(self.shortest), micros(self.longest));
        // Nothing is drawn where there is nothing to choose.
        match shortest < longest {
            true => Duration::from_micros(rng.u64(shortest..=longest)),
            false => self.shortest,
        }
    }
}

impl From<Duration> for Span {
    fn from(time: Duration) -> Self {
        Self::from(time..=time)
    }
}

impl From<Range<Duration>> for Span {
    fn from(times: Range<Duration>) -> Self {
        Self::from(times.start..=times.end)
    }
}

impl From<RangeInclusive<Duration>> for Span {
    fn from(times: RangeInclusive<Duration>) -> Self {
        let (shortest, longest) = times.into_inner();
        Self { shortest, longest }
    }
}

//! Time in one number: `Duration`'s arithmetic, on seconds and nanoseconds apart, is kilobytes of a
//! page's module.

use std::ops::{Add, AddAssign};
use std::time::Duration;

/// A time since the session began, or the time between two, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(u64);

impl Time {
    /// The beginning.
    pub(crate) const ZERO: Self = Self(0);
    /// Never.
    pub(crate) const MAX: Self = Self(u64::MAX);

    pub(crate) const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000)
    }

    pub(crate) fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// The time since then; zero for what is yet to come.
    pub(crate) fn saturating_sub(self, then: Self) -> Self {
        Self(self.0.saturating_sub(then.0))
    }

    pub(crate) fn saturating_mul(self, times: u32) -> Self {
        Self(self.0.saturating_mul(times.into()))
    }

    /// So many of `of` parts of it.
    pub(crate) fn part(self, parts: u32, of: u32) -> Self {
        Self(self.0 / u64::from(of) * u64::from(parts))
    }
}

impl From<Duration> for Time {
    fn from(time: Duration) -> Self {
        let micros = time.as_secs().saturating_mul(1_000_000);
        Self(micros.saturating_add(time.subsec_micros().into()))
    }
}

impl From<Time> for Duration {
    fn from(time: Time) -> Self {
        Self::from_micros(time.0)
    }
}

impl<T: Into<Self>> Add<T> for Time {
    type Output = Self;

    fn add(self, other: T) -> Self {
        Self(self.0.saturating_add(other.into().0))
    }
}

impl<T: Into<Self>> AddAssign<T> for Time {
    fn add_assign(&mut self, other: T) {
        *self = *self + other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_come_back_to_the_microsecond() {
        for micros in [0, 1, 999_999, 1_000_000, 3_600_000_001] {
            let duration = Duration::from_micros(micros);
            assert_eq!(Duration::from(Time::from(duration)), duration);
        }
        let nanos = Duration::from_nanos(1_999);
        assert_eq!(Time::from(nanos), Time(1));
    }

    #[test]
    fn what_is_too_far_is_never() {
        assert_eq!(Time::from(Duration::MAX), Time::MAX);
        assert_eq!(Time::MAX + Duration::from_secs(1), Time::MAX);
        assert_eq!(
            Time::from_millis(2)
                .saturating_mul(u32::MAX)
                .saturating_mul(u32::MAX),
            Time::MAX
        );
        assert_eq!(Time::ZERO.saturating_sub(Time::MAX), Time::ZERO);
    }
}

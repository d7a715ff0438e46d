use std::time::Duration;

use choreo_core::Result;

use crate::node::Kind;
use crate::setting::quoted;
use crate::{OptionValue, Setting};

/// The units, the longest first, and how many microseconds each has.
const UNITS: [(&str, u64); 5] = [
    ("h", 3_600_000_000),
    ("min", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// A time as text: a whole number and its unit, `us`, `ms`, `s`, `min` or `h`.
impl OptionValue for Duration {
    fn schema(out: &mut String) {
        out.push_str(r#""type":"string","pattern":"^[0-9]+ ?(us|ms|s|min|h)$""#);
    }

    fn show(&self, out: &mut String) {
        crate::schema::quote(&to_text(*self), out);
    }

    fn read(setting: Setting<'_>) -> Result<Self> {
        const EXPECTED: &str = "a time with its unit (us, ms, s, min or h), such as \"100ms\"";
        if let Kind::Text(text) = setting.kind() {
            let no = || format!("expected {EXPECTED}, found {}", quoted(text));
            return from_text(text).ok_or_else(|| setting.refuse(&no()));
        }
        Err(setting.expected(EXPECTED))
    }
}

/// A time in the largest unit in which it is a whole number.
pub(crate) fn to_text(time: Duration) -> String {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let whole = |(_, unit): &&(&str, u64)| micros % unit == 0;
    match UNITS.iter().find(whole) {
        Some((name, unit)) if micros > 0 => format!("{}{name}", micros / unit),
        _ => "0s".to_owned(),
    }
}

fn from_text(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    let (_, micros) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let number: u64 = number.parse().ok()?;
    Some(Duration::from_micros(number.checked_mul(*micros)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_times_with_units() {
        for (text, micros) in [
            ("7us", 7),
            ("100ms", 100_000),
            ("2 s", 2_000_000),
            ("90min", 5_400_000_000),
            ("1h", 3_600_000_000),
            ("0s", 0),
        ] {
            assert_eq!(
                from_text(text),
                Some(Duration::from_micros(micros)),
                "{text}"
            );
        }
        for wrong in [
            "",
            "s",
            "100",
            "-1s",
            "1.5s",
            "1S",
            "1  s",
            "18446744073709551615h",
            "1é",
        ] {
            assert_eq!(from_text(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_time_is_shown_in_its_largest_unit() {
        for text in ["7us", "100ms", "90s", "90min", "1h", "0s"] {
            let time = from_text(text).unwrap();
            assert_eq!(to_text(time), text);
        }
        assert_eq!(to_text(Duration::from_secs(120)), "2min");
    }
}

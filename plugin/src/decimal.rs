/// A decimal number, exact up to 15 digits, as options have them. Not by std, which is right to the last bit of
/// any: its tables for that are 16 KB of a browser's module.
pub(crate) fn decimal(text: &str) -> Option<f64> {
    /// Digits that the 53 bits of a number hold.
    const MOST: u64 = 1_000_000_000_000_000;

    let (text, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let mut exponent: i32 = exponent.parse().ok()?;
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if whole.is_empty() {
        return None;
    }
    let mut number = 0_u64;
    let digits = whole.bytes().map(|digit| (digit, 0));
    for (digit, place) in digits.chain(fraction.bytes().map(|digit| (digit, 1))) {
        if !digit.is_ascii_digit() {
            return None;
        }
        // What does not fit any more counts by its place alone.
        let fits = number < MOST / 10;
        if fits {
            number = number * 10 + u64::from(digit - b'0');
        }
        exponent = exponent.saturating_add(i32::from(!fits) - place);
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "it has no more digits than that"
    )]
    let number = number as f64;
    // Beyond these there is only nothing, and infinity.
    let scale = 10_f64.powi(exponent.clamp(-400, 400).abs());
    let number = match exponent {
        0.. => number * scale,
        _ => number / scale,
    };
    Some(if text.starts_with('-') {
        -number
    } else {
        number
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_to_15_digits_are_exact() {
        for text in [
            "0",
            "0.25",
            "0.1",
            "-1.5",
            "+7.0",
            "1e3",
            "1.5E-3",
            "999999999999999",
            "3.14159265358979",
            "123456789.0123",
            "0.000000000000001",
        ] {
            assert_eq!(decimal(text), text.parse().ok(), "{text}");
        }
    }

    #[test]
    fn more_digits_change_nothing_before_them() {
        for text in [
            "3.14159265358979323846",
            "123456789012345678901234",
            "0.30000000000000000000001",
        ] {
            let (read, right) = (decimal(text).unwrap(), text.parse::<f64>().unwrap());
            assert!((read / right - 1.0).abs() < 1e-14, "{text}: {read}");
        }
        assert_eq!(decimal("1e-99999"), Some(0.0));
        assert_eq!(decimal("1e2147483647"), Some(f64::INFINITY));
    }

    #[test]
    fn all_else_is_none() {
        for text in [
            "", "-", ".5", "1.2.3", "1e", "1e1.5", "inf", "nan", "1_0", " 1", "--1", "0x1",
        ] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }
}

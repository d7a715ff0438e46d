/// The bytes of the longest number.
const LONGEST: u32 = 10;

/// Writes a number as LEB128, seven bits a byte, the lowest first, and returns how many bytes that
/// took. There must be room for ten.
pub(super) fn put(mut value: u64, out: &mut [u8]) -> usize {
    let mut length = 0;
    while value >= 0x80 {
        out[length] = value as u8 | 0x80;
        value >>= 7;
        length += 1;
    }
    out[length] = value as u8;
    length + 1
}

/// Takes a number off the front; `None` when the bytes end within it or it does not fit 64 bits.
#[inline]
pub(super) fn take(from: &mut &[u8]) -> Option<u64> {
    match *from {
        // Most are short.
        [byte, rest @ ..] if *byte < 0x80 => {
            *from = rest;
            Some(u64::from(*byte))
        }
        _ => take_long(from),
    }
}

fn take_long(from: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for index in 0..LONGEST {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        let bits = u64::from(byte & 0x7f);
        if index == LONGEST - 1 && bits > 1 {
            return None;
        }
        value |= bits << (7 * index);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_taken() {
        for value in [
            0,
            1,
            127,
            128,
            300,
            u64::from(u32::MAX),
            u64::MAX - 1,
            u64::MAX,
        ] {
            let mut out = [0; 10];
            let length = put(value, &mut out);
            let mut bytes = &out[..length];
            assert_eq!(take(&mut bytes), Some(value));
            assert!(bytes.is_empty());
        }
    }

    #[test]
    fn numbers_that_end_early_or_are_too_large_are_refused() {
        for bytes in [&[][..], &[0x80], &[0xff; 9], &[0xff; 11]] {
            assert_eq!(take(&mut &*bytes), None, "{bytes:x?}");
        }
        let mut above = [0xff; 10];
        above[9] = 2;
        assert_eq!(take(&mut &above[..]), None);
    }
}

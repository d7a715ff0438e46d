/// What numbered messages tell of the way on which they came.
///
/// All of `lost`, `repeated` and `reordered` stay 0 when each arrives once and in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many came.
    pub heard: u64,
    /// How many were passed over.
    pub lost: u64,
    /// How often the last one came again.
    pub repeated: u64,
    /// How many came after a later one.
    pub reordered: u64,
    last: u64,
}

impl Tally {
    /// Counts the message with that number; the first has the number 1.
    pub fn count(&mut self, number: u64) {
        self.heard += 1;
        if number > self.last {
            self.lost += number - self.last - 1;
            self.last = number;
        } else if number == self.last {
            self.repeated += 1;
        } else {
            self.reordered += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(numbers: &[u64]) -> [u64; 4] {
        let mut tally = Tally::default();
        numbers.iter().for_each(|number| tally.count(*number));
        [tally.heard, tally.lost, tally.repeated, tally.reordered]
    }

    #[test]
    fn once_and_in_order_leaves_nothing_to_count() {
        assert_eq!(tally(&[1, 2, 3]), [3, 0, 0, 0]);
    }

    #[test]
    fn what_goes_wrong_is_counted() {
        assert_eq!(tally(&[2, 5]), [2, 3, 0, 0]);
        assert_eq!(tally(&[1, 1, 2, 2]), [4, 0, 2, 0]);
        assert_eq!(tally(&[1, 3, 2, 4]), [4, 1, 0, 1]);
        assert_eq!(tally(&[0, u64::MAX]), [2, u64::MAX - 1, 1, 0]);
    }
}

use serde::{Deserialize, Serialize};

use crate::exchange::Role;

/// What numbered messages from several peers tell of the ways on which they came.
///
/// Where each arrives once, in order, and as it was sent, all but `received` stay 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many came.
    pub received: u64,
    /// How many were passed over.
    pub lost: u64,
    /// How often the last one came again.
    pub repeated: u64,
    /// How many came after a later one.
    pub reordered: u64,
    /// How many were not as they were sent.
    pub garbled: u64,
    due: [u64; Role::ALL.len()],
}

impl Tally {
    /// The tally of one to whom so many messages came, with nothing wrong.
    #[must_use]
    pub fn is_flawless(&self, received: u64) -> bool {
        let due = self.due;
        *self
            == Self {
                received,
                due,
                ..Self::default()
            }
    }

    /// The number of the next message from a peer; the first has the number 0.
    pub(crate) fn due(&self, peer: Role) -> u64 {
        self.due[peer as usize]
    }

    /// Counts the message of that number, which is as it was sent, or is not.
    pub(crate) fn count(&mut self, peer: Role, number: u64, is_whole: bool) {
        self.received += 1;
        self.garbled += u64::from(!is_whole);
        let due = &mut self.due[peer as usize];
        if number >= *due {
            self.lost += number - *due;
            *due = number.saturating_add(1);
        } else if number + 1 == *due {
            self.repeated += 1;
        } else {
            self.reordered += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(numbers: &[(Role, u64)]) -> Tally {
        let mut tally = Tally::default();
        for (peer, number) in numbers {
            tally.count(*peer, *number, true);
        }
        tally
    }

    #[test]
    fn once_and_in_order_from_each_is_flawless() {
        let (bob, carol) = (Role::Bob, Role::Carol);
        let tally = tally(&[(bob, 0), (carol, 0), (carol, 1), (bob, 1), (bob, 2)]);
        assert!(tally.is_flawless(5));
        assert!(!tally.is_flawless(6));
        assert_eq!((tally.due(bob), tally.due(carol)), (3, 2));
    }

    #[test]
    fn what_goes_wrong_is_counted() {
        let wrong = |numbers: &[u64]| {
            let numbers: Vec<_> = numbers.iter().map(|number| (Role::Bob, *number)).collect();
            let tally = tally(&numbers);
            assert!(!tally.is_flawless(tally.received));
            (tally.lost, tally.repeated, tally.reordered)
        };
        assert_eq!(wrong(&[1, 4]), (3, 0, 0));
        assert_eq!(wrong(&[0, 0, 1, 1]), (0, 2, 0));
        assert_eq!(wrong(&[0, 2, 1, 3]), (1, 0, 1));
        assert_eq!(wrong(&[u64::MAX, 0]), (u64::MAX, 0, 1));
        let mut tally = Tally::default();
        tally.count(Role::Alice, 0, false);
        assert!(!tally.is_flawless(1));
    }
}

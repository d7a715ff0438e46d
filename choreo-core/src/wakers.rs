use std::task::Waker;

/// The wakers of those who wait for one thing, behind a lock of whoever has them: nearly always none
/// or one, which needs no allocation.
///
/// What they give back is to be dropped once the lock is released, for that may run other code.
#[derive(Default)]
pub(crate) struct Wakers {
    first: Option<(u64, Waker)>,
    more: Vec<(u64, Waker)>,
    next_ticket: u64,
}

impl Wakers {
    /// Enters a waker, or renews the one that was entered with the ticket; gives the one before.
    #[must_use]
    pub(crate) fn enter(&mut self, ticket: &mut Option<u64>, waker: &Waker) -> Option<Waker> {
        // The ticket of one who was woken is stale: nobody has entered it any more.
        if let Some(ticket) = *ticket {
            let mut entered = self.first.iter_mut().chain(&mut self.more);
            if let Some((_, entered)) = entered.find(|(entered, _)| *entered == ticket) {
                let other = !entered.will_wake(waker);
                return other.then(|| std::mem::replace(entered, waker.clone()));
            }
        }
        let entry = (self.next_ticket, waker.clone());
        *ticket = Some(self.next_ticket);
        self.next_ticket += 1;
        match self.first {
            None => self.first = Some(entry),
            Some(_) => self.more.push(entry),
        }
        None
    }

    /// Takes back what was entered with the ticket.
    #[must_use]
    pub(crate) fn leave(&mut self, ticket: &mut Option<u64>) -> Option<Waker> {
        let ticket = ticket.take()?;
        let left = match &self.first {
            Some((entered, _)) if *entered == ticket => self.first.take(),
            _ => {
                let place = self.more.iter().position(|(entered, _)| *entered == ticket);
                place.map(|place| self.more.swap_remove(place))
            }
        };
        left.map(|(_, waker)| waker)
    }

    /// Takes all, to be woken.
    pub(crate) fn take(&mut self) -> Woken {
        Woken {
            first: self.first.take(),
            more: std::mem::take(&mut self.more),
        }
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none() && self.more.is_empty()
    }
}

/// Who is to be woken, once the lock is released.
pub(crate) struct Woken {
    first: Option<(u64, Waker)>,
    more: Vec<(u64, Waker)>,
}

impl Woken {
    pub(crate) fn wake(self) {
        if let Some((_, waker)) = self.first {
            waker.wake();
        }
        for (_, waker) in self.more {
            waker.wake();
        }
    }
}

use crate::RoleId;

/// Who takes part in one session of a protocol with families of roles, whose numbers are known only
/// then. `choreography!` generates a function that makes it.
///
/// ```
/// use choreo_core::Cast;
///
/// #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
/// enum Role { Master, Worker(usize) }
///
/// let workers = (0..3).map(Role::Worker);
/// let cast = Cast::new([Role::Master].into_iter().chain(workers), 0x5eed);
/// assert_eq!(cast.all().len(), 4);
/// assert_eq!(cast.others(&Role::Worker(1)), [Role::Worker(2), Role::Master, Role::Worker(0)]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cast<R> {
    /// All roles twice, so that the others of each stand side by side.
    twice: Vec<R>,
    fingerprint: u64,
}

impl<R: RoleId> Cast<R> {
    /// These roles, each once, of a protocol with that fingerprint.
    #[must_use]
    pub fn new(roles: impl IntoIterator<Item = R>, fingerprint: u64) -> Self {
        let mut twice: Vec<R> = roles.into_iter().collect();
        // As the protocol's fingerprint: FNV-1a, and 0 stands for no protocol.
        let names: String = twice.iter().map(|role| role.name() + "\n").collect();
        let fingerprint = names.bytes().fold(fingerprint, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        let fingerprint = fingerprint.max(1);
        twice.extend_from_within(..);
        Self { twice, fingerprint }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[R] {
        &self.twice[..self.twice.len() / 2]
    }

    /// All but this one: first those that come after it, then those before.
    #[must_use]
    pub fn others(&self, role: &R) -> &[R] {
        let all = self.all();
        match all.iter().position(|other| other == role) {
            Some(place) => &self.twice[place + 1..place + all.len()],
            None => all,
        }
    }

    /// What tells the protocol, with as many roles in each family, from others: sessions compare it.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_one() {
        let cast = Cast::new(["a", "b", "c"], 7);
        assert_eq!(cast.all(), ["a", "b", "c"]);
        assert_eq!(cast.others(&"a"), ["b", "c"]);
        assert_eq!(cast.others(&"c"), ["a", "b"]);
        assert_eq!(cast.others(&"d"), ["a", "b", "c"]);
        assert!(Cast::<&str>::new([], 7).others(&"a").is_empty());
    }

    #[test]
    fn more_roles_are_another_session() {
        let [two, three] = [2, 3].map(|count| Cast::new(0..count, 7).fingerprint());
        assert_ne!(two, three);
    }
}

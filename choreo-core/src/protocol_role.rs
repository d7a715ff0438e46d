use crate::RoleId;

/// A role of a protocol whose roles are all known, as `choreography!` generates them.
///
/// ```
/// use choreo_core::ProtocolRole;
///
/// #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
/// enum Role { Alice, Bob, Carol }
///
/// impl ProtocolRole for Role {
///     const ALL: &'static [Self] = &[Self::Alice, Self::Bob, Self::Carol];
///     const FINGERPRINT: u64 = 0x5eed;
/// }
///
/// assert!(Role::Bob.others().eq([Role::Alice, Role::Carol]));
/// ```
pub trait ProtocolRole: RoleId + Copy {
    /// All roles of the protocol, each once.
    const ALL: &'static [Self];

    /// What tells the protocol from others, and from other versions of itself; 0 where nothing does.
    const FINGERPRINT: u64;

    /// All roles but this one.
    fn others(self) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |role| *role != self)
    }
}

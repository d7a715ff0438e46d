use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

/// A participant of a protocol.
///
/// Implemented for every type that can be one, so an enum with the usual derives is enough:
///
/// ```
/// use choreo_core::RoleId;
///
/// #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
/// enum Role { Client, Worker(u32) }
///
/// assert_eq!(Role::Client.name(), "Client");
/// assert_eq!(Role::Worker(3).name(), "Worker(3)");
/// assert_eq!("Client".name(), "Client");
/// ```
///
/// Roles that are only known at run time are a [`RoleName`].
pub trait RoleId: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static {
    /// The role's name, as errors, diagrams and stacks by name show it: what `Debug` prints, for
    /// roles that are strings without the quotes.
    ///
    /// Two roles of one protocol must not share a name.
    fn name(&self) -> String {
        let name = format!("{self:?}");
        let unquoted = name
            .strip_prefix('"')
            .and_then(|name| name.strip_suffix('"'));
        unquoted.map(str::to_owned).unwrap_or(name)
    }
}

impl<T: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static> RoleId for T {}

/// A role by name, for stacks that are built at run time and cannot know the user's enum.
///
/// Cheap to clone. [`Typed`](crate::Typed) gives a typed view of a handler of named roles.
///
/// ```
/// use choreo_core::{RoleId, RoleName};
///
/// let alice = RoleName::new("Alice");
/// assert_eq!(alice, RoleName::from("Alice"));
/// assert_eq!(alice.name(), "Alice");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleName(Arc<str>);

impl RoleName {
    /// A role of that name.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RoleName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for RoleName {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl Borrow<str> for RoleName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Prints the bare name, which makes it the role's [`RoleId::name`].
impl fmt::Debug for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

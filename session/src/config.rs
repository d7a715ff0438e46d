use choreo_core::{ProtocolRole, RoleId};

use crate::{Limits, Timing};

/// What a role brings to a session.
///
/// ```
/// use choreo_session::SessionConfig;
///
/// let config = SessionConfig::new("game-7", "Alice", ["Bob", "Carol"])
///     .with_token("v4.public.…")
///     .with_fingerprint(0x5eed);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionConfig {
    /// The session's name.
    pub session: String,
    /// The role that is played here.
    pub role: String,
    /// The roles that it speaks with.
    pub peers: Vec<String>,
    /// The ticket; empty where none is asked for.
    pub token: String,
    /// What the choreography and its codec are taken to be: all roles must agree.
    pub fingerprint: u64,
    /// How much is taken.
    pub limits: Limits,
    /// When what is done.
    pub timing: Timing,
}

impl SessionConfig {
    /// A role in a session, and the roles that it speaks with.
    #[expect(clippy::needless_pass_by_value, reason = "reads better at the call")]
    pub fn new<R: RoleId>(
        session: impl Into<String>,
        role: R,
        peers: impl IntoIterator<Item = R>,
    ) -> Self {
        Self {
            session: session.into(),
            role: role.name(),
            peers: peers.into_iter().map(|peer| peer.name()).collect(),
            token: String::new(),
            fingerprint: 0,
            limits: Limits::default(),
            timing: Timing::default(),
        }
    }

    /// A role of a protocol in a session, which speaks with all others if they play the same.
    ///
    /// ```
    /// use choreo_core::ProtocolRole;
    /// use choreo_session::SessionConfig;
    ///
    /// # #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    /// enum Role { Alice, Bob, Carol }
    ///
    /// // As `choreography!` has it.
    /// impl ProtocolRole for Role {
    ///     const ALL: &'static [Self] = &[Self::Alice, Self::Bob, Self::Carol];
    ///     const FINGERPRINT: u64 = 0x5eed;
    /// }
    ///
    /// let config = SessionConfig::playing("game-7", Role::Alice);
    /// assert_eq!(config.peers, ["Bob", "Carol"]);
    /// assert_eq!(config.fingerprint, 0x5eed);
    /// ```
    pub fn playing<R: ProtocolRole>(session: impl Into<String>, role: R) -> Self {
        Self::new(session, role, role.others()).with_fingerprint(R::FINGERPRINT)
    }

    /// With the ticket that lets the role in.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = token.into();
        self
    }

    /// With a number that stands for the choreography and its codec.
    #[must_use]
    pub fn with_fingerprint(mut self, fingerprint: u64) -> Self {
        self.fingerprint = fingerprint;
        self
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// With other times.
    #[must_use]
    pub fn with_timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }
}

use std::fmt;

/// Why a session or a connection ends: the codes of the protocol, which are close codes of
/// web sockets too (RFC 6455, section 7.4.2: 4000 to 4999 are private).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
#[non_exhaustive]
pub enum Code {
    /// What came is not the protocol.
    Malformed = 4400,
    /// The token or the proof is wrong.
    Unauthorized = 4401,
    /// The role is not this one's to play.
    Forbidden = 4403,
    /// The other side was silent for too long.
    Timeout = 4408,
    /// A newer connection of the same role took over.
    Superseded = 4409,
    /// The session is over, or part of it is lost.
    Expired = 4410,
    /// A frame or message above the limit.
    TooLarge = 4413,
    /// No version in common, or another protocol.
    Version = 4426,
    /// Above a limit on how many or how much.
    Quota = 4429,
}

impl Code {
    const ALL: [Self; 9] = [
        Self::Malformed,
        Self::Unauthorized,
        Self::Forbidden,
        Self::Timeout,
        Self::Superseded,
        Self::Expired,
        Self::TooLarge,
        Self::Version,
        Self::Quota,
    ];

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The code with that number.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|code| u64::from(code.number()) == number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Malformed => "malformed",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Timeout => "timeout",
            Self::Superseded => "superseded",
            Self::Expired => "expired",
            Self::TooLarge => "too large",
            Self::Version => "version",
            Self::Quota => "quota",
        };
        write!(f, "{} {words}", self.number())
    }
}

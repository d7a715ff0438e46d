use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How much a session takes; the server's and the role's are compared, and the lower hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The most bytes of payload in one frame. Longer messages go in parts.
    pub frame: u32,
    /// The most bytes of one message.
    pub message: u32,
    /// The most messages (parts, where they are long) to one peer that it has not acknowledged;
    /// and as many from each peer that the application has not received.
    pub window: u32,
    /// The most bytes of those, besides one message.
    pub window_bytes: u32,
}

impl Limits {
    /// What every server and role must at least allow: smaller ones could not speak at all.
    pub const LEAST: Self = Self {
        frame: 256,
        message: 256,
        window: 2,
        window_bytes: 256,
    };

    /// The lower of each.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self {
            frame: self.frame.min(other.frame),
            message: self.message.min(other.message),
            window: self.window.min(other.window),
            window_bytes: self.window_bytes.min(other.window_bytes),
        }
    }

    /// Whether all are at least those of `other`.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.min(other) == other
    }
}

/// 64 KiB a frame, 1 MiB a message, 256 messages and 1 MiB a window.
impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: 64 * 1024,
            message: 1024 * 1024,
            window: 256,
            window_bytes: 1024 * 1024,
        }
    }
}

/// When a session does what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long an acknowledgement may wait for company: 50 ms.
    pub ack_delay: Duration,
    /// How long to wait for an acknowledgement before asking, at first: 2 s. Doubled each time.
    pub retry: Duration,
    /// The longest such wait: 15 s.
    pub retry_max: Duration,
    /// A connection on which nothing came for so long is dead: 45 s.
    pub silence: Duration,
    /// The longest wait before the first attempt to connect again: 0.25 s. Doubled each time; each
    /// wait is drawn at random up to it.
    pub backoff: Duration,
    /// The longest such wait: 15 s.
    pub backoff_max: Duration,
    /// How long one attempt to connect and to be let in may take: 10 s.
    pub connect: Duration,
    /// How long to stay for the last acknowledgements when closing: 5 s.
    pub linger: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            ack_delay: Duration::from_millis(50),
            retry: Duration::from_secs(2),
            retry_max: Duration::from_secs(15),
            silence: Duration::from_secs(45),
            backoff: Duration::from_millis(250),
            backoff_max: Duration::from_secs(15),
            connect: Duration::from_secs(10),
            linger: Duration::from_secs(5),
        }
    }
}

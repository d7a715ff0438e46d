/// What is known of a session with one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionMetadata {
    /// What carries the frames: the name of its type.
    pub transport: &'static str,
    /// How many frames were sent.
    pub sent: u64,
    /// How many frames were received.
    pub received: u64,
    /// Nothing more can be sent: this side closed the session, or it was found that the peer did.
    pub is_closed: bool,
}

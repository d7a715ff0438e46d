use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use choreo_core::runtime::Instant;
use choreo_core::{Encoded, ErrorKind, Label, Operation, RoleName};

/// What the roles of a session have done, written by [`RecordLayer`](crate::RecordLayer)s.
///
/// Cheap to clone; clones are the same recording. It keeps the beginning: when it is
/// [full](Self::with_capacity), further entries are counted but not kept, which diagrams and
/// transcripts say. Use one recording for one session: roles go by their names. While it is being
/// drawn or written down, whoever records waits.
///
/// A recording that is only here to be looked at comes from a
/// [transcript](Self::from_transcript).
#[derive(Clone)]
pub struct Recording {
    shared: Arc<Shared>,
}

struct Shared {
    entries: usize,
    bytes: usize,
    version: AtomicU64,
    log: Mutex<Log>,
}

/// What is recorded.
pub(super) struct Log {
    pub(super) started: Instant,
    /// The roles that record, in the order in which they came.
    pub(super) roles: Vec<RoleName>,
    pub(super) entries: Vec<Entry>,
    pub(super) dropped: u64,
    bytes: usize,
}

/// One operation of one role with one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// When it ended, counted from the start of the recording.
    pub at: Duration,
    /// The role that did it.
    pub role: RoleName,
    /// With whom.
    pub peer: RoleName,
    /// What it was. A receive that failed is a [`Recv`](Operation::Recv), since nobody knows
    /// whether a label would have come.
    pub operation: Operation,
    /// What was sent or received; `None` for a receive that failed.
    pub payload: Option<Payload>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

/// What was sent or received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// A message.
    Message {
        /// Its type, without modules; of a message that came in a frame, the number of the type.
        type_name: String,
        /// Its bytes; `None` when it failed before anybody had encoded it.
        encoded: Option<Encoded>,
        /// The beginning of what it says, as JSON, where that was asked for.
        contents: Option<String>,
    },
    /// The label of a choice.
    Label(Label),
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The kind of error; `None` for a send that was dropped before it had ended.
    pub kind: Option<ErrorKind>,
    /// The error's sentence for people.
    pub detail: String,
    /// Whether the payload provably was not sent.
    pub transient: bool,
}

impl Recording {
    /// How many entries are kept, unless told otherwise.
    pub const DEFAULT_ENTRIES: usize = 4096;
    /// How many bytes of payloads and errors are kept, unless told otherwise.
    pub const DEFAULT_BYTES: usize = 1 << 20;

    /// An empty recording, whose time begins now.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(Self::DEFAULT_ENTRIES, Self::DEFAULT_BYTES)
    }

    /// An empty recording that keeps up to so many entries, whose payloads and errors take up to
    /// so many bytes. At the first entry that does not fit it is full.
    #[must_use]
    pub fn with_capacity(entries: usize, bytes: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                entries,
                bytes,
                version: AtomicU64::new(0),
                log: Mutex::new(Log::new(Instant::now())),
            }),
        }
    }

    /// The entries, in the order in which the operations ended.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.log().entries.clone()
    }

    /// How many entries are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.log().entries.len()
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries were not kept, because the recording was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.log().dropped
    }

    /// A number that grows with every change: who draws the recording while it grows looks at it
    /// first, which costs next to nothing.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.shared.version.load(Ordering::Acquire)
    }

    /// Forgets all entries, and begins to count time anew. The roles stay.
    pub fn clear(&self) {
        let mut log = self.log();
        log.started = Instant::now();
        log.entries.clear();
        log.dropped = 0;
        log.bytes = 0;
        self.changed();
    }

    /// A Mermaid sequence diagram, for Markdown and for <https://mermaid.live>.
    ///
    /// A send and its receive are one arrow. Where the receiver records too but has not received
    /// yet, the arrow is dashed; what failed ends in a cross, with the error in a note.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        super::mermaid::draw(&self.log())
    }

    /// The sequence diagram as an SVG picture: a file of its own or, as part of a page, in the
    /// page's colour of text.
    ///
    /// Other colours can be set by the CSS variables `--choreo-choice` and `--choreo-error`, more by
    /// the classes: `choreo-diagram` is the whole, a `choreo-row` holds what belongs to one arrow
    /// or note, with a `choreo-time` in it, and `choreo-choice` or `choreo-failed` around the rest.
    #[must_use]
    pub fn to_svg(&self) -> String {
        super::svg::draw(&self.log())
    }

    pub(super) fn from_log(log: Log) -> Self {
        let mut recording = Self::with_capacity(log.entries.len(), 0);
        if let Some(shared) = Arc::get_mut(&mut recording.shared) {
            shared.log = Mutex::new(log);
        }
        recording
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.log().started.elapsed()
    }

    pub(super) fn add_role(&self, role: &RoleName) {
        let mut log = self.log();
        if !log.roles.contains(role) {
            log.roles.push(role.clone());
            self.changed();
        }
    }

    pub(super) fn push(&self, entry: Entry) {
        let mut log = self.log();
        let bytes = log.bytes.saturating_add(entry.size());
        let fits = log.entries.len() < self.shared.entries && bytes <= self.shared.bytes;
        // What is kept is the beginning, without gaps.
        if fits && log.dropped == 0 {
            log.bytes = bytes;
            log.entries.push(entry);
        } else {
            log.dropped += 1;
        }
        self.changed();
    }

    fn changed(&self) {
        self.shared.version.fetch_add(1, Ordering::Release);
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.shared
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Recording {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = self.log();
        f.debug_struct("Recording")
            .field("roles", &log.roles)
            .field("entries", &log.entries.len())
            .field("dropped", &log.dropped)
            .finish_non_exhaustive()
    }
}

impl Log {
    pub(super) fn new(started: Instant) -> Self {
        Self {
            started,
            roles: Vec::new(),
            entries: Vec::new(),
            dropped: 0,
            bytes: 0,
        }
    }
}

impl Entry {
    /// Whether the payload went out, as opposed to in.
    #[must_use]
    pub fn is_send(&self) -> bool {
        matches!(self.operation, Operation::Send | Operation::Choose)
    }

    /// How many bytes the entry takes that a peer or a program decides on.
    fn size(&self) -> usize {
        let payload = match &self.payload {
            None => 0,
            Some(Payload::Label(label)) => label.as_str().len(),
            Some(Payload::Message {
                encoded, contents, ..
            }) => {
                encoded.as_ref().map_or(0, |encoded| encoded.bytes().len())
                    + contents.as_ref().map_or(0, String::len)
            }
        };
        payload + self.failure.as_ref().map_or(0, |f| f.detail.len())
    }
}

impl Failure {
    pub(super) fn dropped() -> Self {
        Self {
            kind: None,
            detail: "dropped before it was done".to_owned(),
            transient: false,
        }
    }
}

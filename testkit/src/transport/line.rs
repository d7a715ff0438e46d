use std::fmt;
use std::ops::Deref;

use choreo_core::{Bytes, Result, Transport};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::TransportFixture;
use crate::guard::Guard;
use crate::{Promise, Violation};

/// One run of one check of a transport: opens connections, and has the steps that checks are made
/// of.
pub(super) struct Line<'f> {
    pub(super) fixture: &'f dyn TransportFixture,
    guard: Guard,
}

impl Deref for Line<'_> {
    type Target = Guard;

    fn deref(&self) -> &Guard {
        &self.guard
    }
}

/// One end of a connection.
pub(super) struct End {
    name: &'static str,
    pub(super) transport: Box<dyn Transport>,
}

impl End {
    pub(super) fn connecting(transport: Box<dyn Transport>) -> Self {
        let name = "the connecting end";
        Self { name, transport }
    }

    pub(super) fn accepting(transport: Box<dyn Transport>) -> Self {
        let name = "the accepting end";
        Self { name, transport }
    }
}

impl Deref for End {
    type Target = dyn Transport;

    fn deref(&self) -> &Self::Target {
        &*self.transport
    }
}

/// Which end it is.
impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<'f> Line<'f> {
    pub(super) fn new(
        fixture: &'f dyn TransportFixture,
        check: &'static str,
        promise: Promise,
    ) -> Self {
        let guard = Guard {
            check,
            promise,
            patience: fixture.patience(),
            time_limit: fixture.time_limit(),
        };
        Self { fixture, guard }
    }

    /// Opens a connection: the end that connected and the one that accepted.
    pub(super) async fn open(&self) -> Result<[End; 2], Violation> {
        let opening = async { futures::try_join!(self.fixture.connect(), self.fixture.accept()) };
        let (near, far) = self.ok("opening a connection", opening).await?;
        Ok([End::connecting(near), End::accepting(far)])
    }

    /// Checks a connection in one direction, and another one in the other: the two ends may be of
    /// different makes.
    pub(super) async fn both_ways(
        &self,
        check: impl AsyncFn(End, End) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        let [near, far] = self.open().await?;
        check(near, far).await?;
        let [near, far] = self.open().await?;
        check(far, near).await
    }

    /// A send that must succeed.
    pub(super) async fn send(&self, from: &End, frame: Bytes) -> Result<(), Violation> {
        let what = format!("{from} sending {}", describe(&frame));
        self.ok(what, from.send(frame)).await
    }

    /// A receive that must give this frame.
    pub(super) async fn recv(&self, at: &End, due: &Bytes) -> Result<(), Violation> {
        let what = format!("{at} receiving {}", describe(due));
        let received = self.ok(what, at.recv()).await?;
        self.expect(at, received.as_ref(), due)
    }

    /// What was received must be this frame.
    pub(super) fn expect(
        &self,
        at: &End,
        received: Option<&Bytes>,
        due: &Bytes,
    ) -> Result<(), Violation> {
        self.ensure(received == Some(due), || {
            format!(
                "{at} received {} where {} was due",
                describe_received(received),
                describe(due)
            )
        })
    }

    /// A receive that must say that the peer has closed.
    pub(super) async fn end(&self, at: &End) -> Result<(), Violation> {
        let what = format!("{at} receiving after its peer has closed");
        let received = self.ok(&what, at.recv()).await?;
        self.ensure(received.is_none(), || {
            format!(
                "{what} gave {}, where `None` was due",
                describe_received(received.as_ref())
            )
        })
    }

    /// A close that must succeed.
    pub(super) async fn close(&self, end: &End) -> Result<(), Violation> {
        self.ok(format!("{end} closing"), end.close()).await
    }

    /// Sends frames 0, 1, 2 .. of the largest size to a peer that reads nothing, until a send
    /// waits: how many were sent, and the one that waits.
    pub(super) async fn fill<'a>(
        &self,
        from: &'a End,
    ) -> Result<(u32, BoxFuture<'a, Result<()>>), Violation> {
        let bound = self.fixture.bound();
        let name = |sent| format!("{from} sending a large frame, behind {sent} others,");
        let send = |sent| {
            let large = self.large(sent);
            async move { from.send(large).await }.boxed()
        };
        let filled = self.guard.fill(bound, name, send).await?;
        filled.ok_or_else(|| {
            self.violation(format_args!(
                "{from} sent {} frames of {} bytes to a peer that read none, and no send waited; \
                 the fixture says that the bound is {bound}",
                bound + 1,
                self.fixture.largest_frame(),
            ))
        })
    }

    /// A frame of the largest size.
    pub(super) fn large(&self, number: u32) -> Bytes {
        frame(number, self.fixture.largest_frame())
    }

    /// A frame of that size, or of the largest where that is smaller.
    pub(super) fn sized(&self, number: u32, length: usize) -> Bytes {
        frame(number, length.min(self.fixture.largest_frame()))
    }
}

/// How many bytes of a frame say its number.
const NUMBER: usize = 4;

/// A frame of that number: nobody takes it, or a part of it, for another one.
pub(super) fn frame(number: u32, length: usize) -> Bytes {
    let mut bytes = vec![0; length.max(NUMBER)];
    fastrand::Rng::with_seed(number.into()).fill(&mut bytes);
    bytes[..NUMBER].copy_from_slice(&number.to_le_bytes());
    bytes.into()
}

/// The number of a frame, if it has one.
pub(super) fn number(frame: &Bytes) -> Option<u32> {
    frame
        .first_chunk::<NUMBER>()
        .copied()
        .map(u32::from_le_bytes)
}

/// The frame in words.
pub(super) fn describe(frame: &Bytes) -> String {
    match number(frame) {
        Some(number) => format!("frame {number} of {} bytes", frame.len()),
        None => format!("a frame of {} bytes", frame.len()),
    }
}

/// What a receive gave, in words.
pub(super) fn describe_received(received: Option<&Bytes>) -> String {
    received.map_or("`None`".to_owned(), describe)
}

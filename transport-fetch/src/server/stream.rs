use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use choreo_core::runtime::{self, Instant};
use choreo_core::{Bytes, BytesMut};
use futures::stream;

use super::answer::{Refusal, answer};
use super::connection::{Connection, Here};
use super::down::Next;
use crate::pipe::{Batch, Pipe};
use crate::wire::{AT, FILLER, TELL};

/// Something goes down at least as often, lest somebody between takes the connection for dead.
const BEAT: Duration = Duration::from_secs(15);
/// How soon the client acknowledges what it got with another answer; else it gets it again.
const GRACE: Duration = Duration::from_millis(500);
/// About how many bytes go at once.
pub(super) const BATCH: usize = 64 * 1024;

/// A request for what goes down.
struct Stream {
    connection: Arc<Connection>,
    turn: u64,
    /// The number of the next item to go out.
    from: u64,
    begun: bool,
    _here: Here,
}

/// Begins to give what goes down, from a number on.
pub(super) fn stream(
    connection: &Arc<Connection>,
    turn: u64,
    next: u64,
) -> Result<Response, Refusal> {
    let stream = Stream::new(connection, turn, next)?;
    let stream = stream::unfold(stream, |mut stream| async move {
        let bytes = stream.next().await?;
        Some((Ok::<_, std::convert::Infallible>(bytes), stream))
    });
    let body = Body::from_stream(stream);
    Ok(answer(StatusCode::OK, connection.pipe.next(), body))
}

/// Gives what is there from a number on, or comes within the time.
pub(super) async fn poll(
    connection: &Arc<Connection>,
    turn: u64,
    next: u64,
    limit: Duration,
) -> Result<Response, Refusal> {
    let mut stream = Stream::new(connection, turn, next)?;
    let bytes = stream.more(limit).await.flatten().unwrap_or_default();
    Ok(answer(
        StatusCode::OK,
        connection.pipe.next(),
        Body::from(bytes),
    ))
}

impl Stream {
    fn new(connection: &Arc<Connection>, turn: u64, next: u64) -> Result<Self, Refusal> {
        connection.begin(turn, next)?;
        Ok(Self {
            connection: connection.clone(),
            turn,
            from: next,
            begun: false,
            _here: connection.here(),
        })
    }

    /// What goes out next, if only to show that something does; `None` at the end, or when another
    /// request has taken its place.
    async fn next(&mut self) -> Option<Bytes> {
        let nothing = Bytes::from_owner(FILLER.to_be_bytes());
        if !std::mem::replace(&mut self.begun, true) {
            return Some(nothing);
        }
        self.more(BEAT).await.unwrap_or(Some(nothing))
    }

    /// What goes out within the time; `Some(None)` when nothing more does.
    async fn more(&mut self, limit: Duration) -> Option<Option<Bytes>> {
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let next = self.connection.down(self.turn, self.from, BATCH);
            match runtime::timeout(left, next).await.ok()? {
                Next::Batch(batch) => {
                    let expected = std::mem::replace(&mut self.from, batch.after);
                    return Some(Some(records(&self.connection.pipe, batch, expected)));
                }
                Next::Over => return Some(None),
                Next::Offered => {
                    let settled = self.connection.settled(self.turn);
                    if runtime::timeout(GRACE, settled).await.is_err() {
                        self.connection.take_back();
                    }
                }
            }
        }
    }
}

/// The records of a batch, for one who expects them from a number on; they may ask how far all was
/// taken.
pub(super) fn records(pipe: &Pipe, batch: Batch, expected: u64) -> Bytes {
    let (skipped, asks) = (batch.first != expected, pipe.wants_to_know());
    if !skipped && !asks {
        return batch.body;
    }
    let mut body = BytesMut::with_capacity(batch.body.len() + 16);
    if skipped {
        body.extend_from_slice(&AT.to_be_bytes());
        body.extend_from_slice(&batch.first.to_be_bytes());
    }
    body.extend_from_slice(&batch.body);
    if asks {
        body.extend_from_slice(&TELL.to_be_bytes());
    }
    body.freeze()
}

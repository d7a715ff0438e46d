use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use choreo_core::{Bytes, BytesMut, runtime};
use futures::future::{Either, select};
use futures::stream;

use super::answer::{Refusal, answer};
use super::connection::{Connection, Here};
use crate::wire::{FILLER, TELL};

/// Something goes down at least as often, lest somebody between takes the connection for dead.
const BEAT: Duration = Duration::from_secs(15);
/// About how many bytes go at once.
const BATCH: usize = 64 * 1024;

/// An answer that goes on.
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
    begin(connection, turn, next)?;
    let stream = Stream {
        connection: connection.clone(),
        turn,
        from: next,
        begun: false,
        _here: connection.here(),
    };
    let stream = stream::unfold(stream, |mut stream| async move {
        let bytes = stream.next().await?;
        Some((Ok::<_, std::convert::Infallible>(bytes), stream))
    });
    let body = Body::from_stream(stream);
    Ok(answer(StatusCode::OK, connection.pipe().next(), body))
}

/// Gives what is there from a number on, or comes within the time.
pub(super) async fn poll(
    connection: &Arc<Connection>,
    turn: u64,
    next: u64,
    limit: Duration,
) -> Result<Response, Refusal> {
    begin(connection, turn, next)?;
    let pipe = connection.pipe();
    let batch = {
        let batch = std::pin::pin!(runtime::timeout(limit, pipe.batch(next, BATCH)));
        let superseded = std::pin::pin!(connection.superseded(turn));
        match select(batch, superseded).await {
            Either::Left((Ok(Some(batch)), _)) => batch.body,
            _ => Bytes::new(),
        }
    };
    Ok(answer(StatusCode::OK, pipe.next(), Body::from(batch)))
}

/// The client has what comes before, and wants what follows.
fn begin(connection: &Connection, turn: u64, next: u64) -> Result<(), Refusal> {
    connection.supersede(turn)?;
    let pipe = connection.pipe();
    pipe.acked(next).map_err(|end| connection.break_off(end))?;
    if next < pipe.base() {
        let why = "an older request, whose frames have arrived by a newer one";
        return Err(Refusal::new(StatusCode::CONFLICT, why));
    }
    Ok(())
}

impl Stream {
    /// What goes out next; `None` at the end, or when another request has taken its place.
    async fn next(&mut self) -> Option<Bytes> {
        if !std::mem::replace(&mut self.begun, true) {
            return Some(Bytes::from_owner(FILLER.to_be_bytes()));
        }
        let pipe = self.connection.pipe();
        let batch = std::pin::pin!(runtime::timeout(BEAT, pipe.batch(self.from, BATCH)));
        let superseded = std::pin::pin!(self.connection.superseded(self.turn));
        match select(batch, superseded).await {
            Either::Left((Ok(batch), _)) => {
                let batch = batch?;
                self.from = batch.after;
                match pipe.wants_to_know() {
                    true => {
                        let mut body = BytesMut::from(batch.body);
                        body.extend_from_slice(&TELL.to_be_bytes());
                        Some(body.freeze())
                    }
                    false => Some(batch.body),
                }
            }
            Either::Left((Err(_), _)) => Some(Bytes::from_owner(FILLER.to_be_bytes())),
            Either::Right(_) => None,
        }
    }
}

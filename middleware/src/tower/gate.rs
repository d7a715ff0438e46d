use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use choreo_core::{Error, ErrorKind, Result, RoleId};
use tower::Service;

use super::request::Body;
use super::ticket::Ticket;
use super::{Reply, Request};

/// The service that a [`TowerLayer`](super::TowerLayer) puts below tower's layers: a call of it
/// lets the operation of the inner handler begin.
///
/// Always ready; what has to wait waits in the operation.
pub struct Gate<R>(PhantomData<fn(R)>);

/// One attempt at an operation: what [`Gate`] answers. Dropped, it ends the operation.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Attempt(Result<Arc<Ticket>, Option<Error>>);

impl<R> Gate<R> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R: RoleId> Service<Request<R>> for Gate<R> {
    type Response = Reply;
    type Error = Error;
    type Future = Attempt;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<R>) -> Attempt {
        let Body::Ticket(ticket) = request.body() else {
            let detail = "a tower layer made a request of its own; over a handler, pass on the \
                          one that came";
            return Attempt(Err(Some(Error::new(ErrorKind::Config, detail))));
        };
        Attempt(match ticket.ask() {
            Ok(()) => Ok(Arc::clone(ticket)),
            Err(refused) => Err(Some(refused)),
        })
    }
}

impl<R> Clone for Gate<R> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<R> fmt::Debug for Gate<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

impl Future for Attempt {
    type Output = Result<Reply>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Reply>> {
        match &mut self.0 {
            Ok(ticket) => {
                let done = ticket.poll_done(context);
                if done.is_ready() {
                    self.0 = Err(None);
                }
                done
            }
            // Once more after its end, a future may do as it likes.
            Err(refused) => refused
                .take()
                .map_or(Poll::Pending, |error| Poll::Ready(Err(error))),
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Ok(ticket) = &self.0 {
            ticket.give_up();
        }
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempt")
    }
}

use std::error::Error as StdError;

use choreo_core::{Error, ErrorKind, Operation};
use tower::BoxError;
use tower::buffer::error::Closed;
use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;

/// What tower's layers answered, as an error of ours. One that came from below comes through as it
/// is; that it is transient is only said while nothing can have been sent.
pub(super) fn from_layers(
    error: BoxError,
    operation: Operation,
    peers: &impl ToString,
    unsent: bool,
) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(own) if unsent => return own.at(operation, peers.to_string()),
        Ok(own) => return own.permanent().at(operation, peers.to_string()),
        Err(foreign) => foreign,
    };
    let (kind, detail) = meaning(&*error);
    let error = Error::new(kind, detail)
        .at(operation, peers.to_string())
        .with_source(error);
    if unsent { error.transient() } else { error }
}

/// What the layers hear of an error that they cannot change: all but its source.
pub(super) fn retold(error: &Error) -> Error {
    let mut retold = Error::new(error.kind(), error.detail());
    if let Some(role) = error.role() {
        retold = retold.with_role(role);
    }
    if let (Some(operation), Some(peer)) = (error.operation(), error.peer()) {
        retold = retold.at(operation, peer);
    }
    retold
}

/// The first error in the chain that says what it means: `Buffer` wraps those from below it.
fn meaning(error: &(dyn StdError + 'static)) -> (ErrorKind, &'static str) {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<Elapsed>() {
            return (ErrorKind::Timeout, "the time limit of a tower layer passed");
        }
        if error.is::<Overloaded>() {
            return (ErrorKind::Busy, "the limit of a tower layer is reached");
        }
        if error.is::<Closed>() {
            return (ErrorKind::Closed, "the worker of a tower layer is gone");
        }
        if let Some(own) = error.downcast_ref::<Error>() {
            return (own.kind(), "a tower layer failed");
        }
        next = error.source();
    }
    (ErrorKind::Config, "a tower layer refused it")
}

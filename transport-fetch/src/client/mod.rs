//! The client's side of a connection: one task that posts what goes out, and asks for what comes
//! in.

mod down;
mod request;
mod up;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use choreo_core::{Bytes, Error, ErrorKind, Result};
use futures::future::{Either, select, try_join};

use self::request::Failure;
use crate::end::End;
use crate::pipe::Pipe;
use crate::platform::{self, Http};
use crate::wire::{Ask, Id};
use crate::{FetchConnector, FetchTransport};

/// All that the task needs.
struct Link {
    id: Id,
    http: Http,
    pipe: Arc<Pipe>,
    polls: Arc<AtomicBool>,
}

/// Begins to open a connection, and starts the task that carries it.
///
/// It ends when both sides have closed, or the connection is given up.
pub(crate) fn start(connector: &FetchConnector) -> Result<FetchTransport> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| {
        let detail = format!("the platform gives no random numbers: {error}");
        Error::new(ErrorKind::Config, detail)
    })?;
    let pipe = Arc::new(Pipe::new(connector.limits, connector.address.to_string()));
    let link = Link {
        id: Id(u128::from_le_bytes(id)),
        http: connector.http.clone(),
        pipe: pipe.clone(),
        polls: connector.polls.clone(),
    };
    platform::spawn(async move {
        if let Err(end) = link.carry().await {
            link.pipe.give_up(end);
        }
    });
    Ok(FetchTransport::new(pipe))
}

impl Link {
    async fn carry(&self) -> Result<(), End> {
        self.open().await?;
        self.pipe.opened();
        // One direction that fails ends the other.
        let carried = try_join(self.up(), self.down());
        let stalled = self.pipe.stalled();
        futures::pin_mut!(carried, stalled);
        match select(carried, stalled).await {
            Either::Left((carried, _)) => carried.map(drop),
            Either::Right(((), _)) => {
                let open = "the peer has not closed it in time, as this side has";
                Err(End::broken(open))
            }
        }
    }

    async fn open(&self) -> Result<(), End> {
        let limit = self.pipe.limits().open_timeout;
        match self.request(Ask::Open, Bytes::new(), limit).await {
            Ok(_) => Ok(()),
            Err(Failure::Final(end)) => Err(end),
            Err(Failure::Passing(failed)) => Err(End::refused(failed.kind(), failed.why())),
            Err(Failure::Late(elapsed)) => {
                let detail = format!("no connection was opened: {elapsed}");
                Err(End::refused(ErrorKind::Transport, detail))
            }
        }
    }
}

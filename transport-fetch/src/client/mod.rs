//! The client's side of a connection: one task that posts what goes out, and asks for what comes
//! in.

mod down;
mod request;
mod up;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use choreo_core::{Bytes, Error, ErrorKind, Result, runtime};
use futures::future::{Either, join, select};

use crate::end::End;
use crate::pipe::Pipe;
use crate::platform::{self, Http};
use crate::wire::{Ask, Head, Id};
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
        let carried = async {
            let (up, down) = join(self.stop(self.up()), self.stop(self.down())).await;
            up.and(down)
        };
        let stalled = self.pipe.stalled();
        futures::pin_mut!(carried, stalled);
        match select(carried, stalled).await {
            Either::Left((carried, _)) => carried,
            Either::Right(((), _)) => {
                let open = "the peer has not closed it in time, as this side has";
                Err(End::broken(open))
            }
        }
    }

    /// One direction that fails ends the other.
    async fn stop(&self, direction: impl Future<Output = Result<(), End>>) -> Result<(), End> {
        direction
            .await
            .inspect_err(|end| self.pipe.give_up(end.clone()))
    }

    async fn open(&self) -> Result<(), End> {
        let head = self.head(Ask::Open);
        let opening = self.http.post(&head, Bytes::new(), false);
        let limit = self.pipe.limits().open_timeout;
        let answer = runtime::timeout(limit, opening).await;
        let answer = answer.map_err(|elapsed| {
            let detail = format!("no connection was opened: {elapsed}");
            End::refused(ErrorKind::Transport, detail)
        })?;
        match answer {
            Ok(answer) if answer.is_ours() => Ok(()),
            Ok(answer) => Err(request::refused(answer).await),
            Err(failed) => Err(End::refused(failed.kind(), failed.why())),
        }
    }

    fn head(&self, ask: Ask) -> Head {
        Head { id: self.id, ask }
    }
}

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use axum::http::StatusCode;
use choreo_core::runtime::{self, Instant};
use futures::future::{Either, select};

use super::answer::Refusal;
use super::down::Down;
use crate::Limits;
use crate::end::End;
use crate::pipe::Pipe;

/// One client's connection, as its requests see it.
pub(super) struct Connection {
    pub(super) pipe: Arc<Pipe>,
    presence: Mutex<Presence>,
    down: Mutex<Down>,
}

struct Presence {
    /// How many requests there are.
    requests: usize,
    /// When the last of them was over.
    gone: Instant,
}

/// A request that is there, for as long as it is.
pub(super) struct Here(Arc<Connection>);

impl Connection {
    pub(super) fn new(limits: Limits) -> Self {
        let presence = Presence {
            requests: 0,
            gone: Instant::now(),
        };
        Self {
            pipe: Arc::new(Pipe::new(limits, "HTTP client".to_owned())),
            presence: Mutex::new(presence),
            down: Mutex::default(),
        }
    }

    /// Counts a request.
    pub(super) fn here(self: &Arc<Self>) -> Here {
        self.presence().requests += 1;
        Here(self.clone())
    }

    /// The client breaks the rules: it ends here.
    pub(super) fn break_off(&self, end: End) -> Refusal {
        self.break_off_as(StatusCode::BAD_REQUEST, end)
    }

    pub(super) fn break_off_as(&self, status: StatusCode, end: End) -> Refusal {
        let why = end.error("").detail().to_owned();
        self.pipe.give_up(end);
        Refusal::new(status, &why)
    }

    /// A request for what goes down takes the place of the one before it, unless it is older.
    pub(super) fn begin(&self, turn: u64, next: u64) -> Result<(), Refusal> {
        self.pipe.acked(next).map_err(|end| self.break_off(end))?;
        let (base, _) = self.pipe.outgoing();
        if next < base || !self.down_state().begin(turn, next) {
            let why = "a newer request has superseded this one";
            return Err(Refusal::new(StatusCode::CONFLICT, why));
        }
        self.pipe.stir();
        Ok(())
    }

    /// Waits until it is closed on both sides, or given up; gives it up when the client is away, or
    /// does not close it after this side has.
    pub(super) async fn ended(&self) {
        let limits = *self.pipe.limits();
        while !self.pipe.is_closing() && !self.pipe.is_over() {
            let left = limits.away.saturating_sub(self.silence());
            if left.is_zero() {
                let silent = format!("the client made no request for {:?}", limits.away);
                return self.pipe.give_up(End::broken(silent));
            }
            let _ = runtime::timeout(left, self.pipe.closing()).await;
        }
        let over = || match self.pipe.is_over() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        };
        let (over, stalled) = (pin!(self.pipe.until(over)), pin!(self.pipe.stalled()));
        if let Either::Right(_) = select(over, stalled).await {
            let open = "the client has not closed it in time, as this side has";
            self.pipe.give_up(End::broken(open));
        }
    }

    /// For how long there was no request.
    fn silence(&self) -> Duration {
        let presence = self.presence();
        match presence.requests {
            0 => presence.gone.elapsed(),
            _ => Duration::ZERO,
        }
    }

    pub(super) fn down_state(&self) -> MutexGuard<'_, Down> {
        self.down.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn presence(&self) -> MutexGuard<'_, Presence> {
        self.presence.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let mut presence = self.0.presence();
        presence.requests -= 1;
        presence.gone = Instant::now();
    }
}

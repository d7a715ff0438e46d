use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use axum::http::StatusCode;
use choreo_core::{Waiters, runtime};
use runtime::Instant;

use super::answer::Refusal;
use crate::Limits;
use crate::end::End;
use crate::pipe::Pipe;

/// One client's connection, as its requests see it.
pub(super) struct Connection {
    pipe: Arc<Pipe>,
    presence: Mutex<Presence>,
    /// Wait to be superseded.
    turns: Waiters,
}

struct Presence {
    /// How many requests there are.
    requests: usize,
    /// When the last of them was over.
    gone: Instant,
    /// The number of the latest request for what goes down.
    turn: u64,
}

/// A request that is there, for as long as it is.
pub(super) struct Here(Arc<Connection>);

impl Connection {
    pub(super) fn new(limits: Limits) -> Self {
        let presence = Presence {
            requests: 0,
            gone: Instant::now(),
            turn: 0,
        };
        Self {
            pipe: Arc::new(Pipe::new(limits, "HTTP client".to_owned())),
            presence: Mutex::new(presence),
            turns: Waiters::default(),
        }
    }

    pub(super) fn pipe(&self) -> Arc<Pipe> {
        self.pipe.clone()
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
    pub(super) fn supersede(&self, turn: u64) -> Result<(), Refusal> {
        let mut presence = self.presence();
        if turn < presence.turn {
            let why = "a newer request has superseded this one";
            return Err(Refusal::new(StatusCode::CONFLICT, why));
        }
        presence.turn = turn;
        drop(presence);
        self.turns.wake();
        Ok(())
    }

    /// Waits until another request has taken the place of this one.
    pub(super) async fn superseded(&self, turn: u64) {
        let superseded = || match self.presence().turn > turn {
            true => Poll::Ready(()),
            false => Poll::Pending,
        };
        self.turns.until(superseded).await;
    }

    /// Waits until it is closed on both sides, or given up; gives it up when the client is away.
    pub(super) async fn ended(&self) {
        while !self.pipe.is_over() {
            let limits = self.pipe.limits();
            let limit = match self.pipe.is_closing() {
                true => limits.close_timeout,
                false => limits.away,
            };
            let left = limit.saturating_sub(self.silence());
            if left.is_zero() {
                let silent = format!("the client made no request for {limit:?}");
                return self.pipe.give_up(End::broken(silent));
            }
            let _ = runtime::timeout(left, self.pipe.over()).await;
        }
    }

    /// For how long there was no request.
    fn silence(&self) -> std::time::Duration {
        let presence = self.presence();
        match presence.requests {
            0 => presence.gone.elapsed(),
            _ => std::time::Duration::ZERO,
        }
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

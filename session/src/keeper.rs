//! The task behind a session: opens connections, watches the clock, waits for slow writes.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use choreo_core::{Connect, Error, ErrorKind, Result, Transport, runtime};
use fastrand::Rng;
use futures::FutureExt;
use futures::future::{BoxFuture, pending, select};

use crate::join::{Join, Step};
use crate::pair::Time;
use crate::shared::Shared;
use crate::status::Link;
use crate::wire::{Abort, Code, Frame};
use crate::{Limits, Timing};

/// The longest time between two looks.
const LONG: Duration = Duration::from_secs(3_600);
/// How long an ABORT may take to go out, and a connection to close.
const GOODBYE: Duration = Duration::from_secs(1);

pub(crate) struct Keeper {
    pub(crate) shared: Arc<Shared>,
    pub(crate) way: Way,
    pub(crate) timing: Timing,
    pub(crate) limits: Limits,
    /// How long the role may be away.
    pub(crate) ttl: Duration,
    pub(crate) rng: Rng,
}

/// How connections come about.
pub(crate) enum Way {
    /// This end opens them.
    Opened {
        /// It does.
        connect: Box<dyn Connect>,
        /// What to say then.
        join: Box<Join>,
    },
    /// The other end opens them.
    Offered,
}

/// A connection on which both sides have agreed.
pub(crate) struct Opened {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) limits: Limits,
    /// What came behind the welcome.
    pub(crate) rest: Bytes,
}

/// Why an attempt failed.
enum Failure {
    /// It may be better next time.
    ForNow(Error),
    /// It will never be better.
    ForGood(Abort),
}

/// A timer that is set anew only when it must ring earlier.
#[derive(Default)]
struct Alarm(Option<(Time, BoxFuture<'static, ()>)>);

impl Keeper {
    /// Keeps the session until its end.
    pub(crate) async fn keep(mut self) {
        loop {
            match self.open().await {
                Ok(Some(opened)) => self.shared.install(opened),
                Ok(None) => return self.end().await,
                Err(abort) => {
                    self.shared.lose(abort);
                    return self.end().await;
                }
            }
            if self.attend().await {
                return self.end().await;
            }
        }
    }

    /// Opens a connection, trying again for as long as the session can be resumed; `None` when it
    /// is to be closed and nobody waits for anything more.
    async fn open(&mut self) -> Result<Option<Opened>, Abort> {
        let away_since = self.shared.now();
        let mut attempt = 0;
        loop {
            let kicked = self.shared.kicked();
            let now = self.shared.now();
            let mut left = (away_since + self.ttl).saturating_sub(now);
            {
                let mut state = self.shared.state();
                if let Some(abort) = state.core.lost() {
                    return Err(abort.clone());
                }
                if let Some(since) = state.closing {
                    left = left.min((since + self.timing.linger).saturating_sub(now));
                    // One attempt is made to say goodbye.
                    let goodbye = attempt == 0 && matches!(self.way, Way::Opened { .. });
                    let settled = state.core.is_settled() && !goodbye;
                    if settled || left.is_zero() || state.connections == 0 {
                        return Ok(None);
                    }
                }
                if let Some(offer) = state.offered.pop_back() {
                    state.offered.clear();
                    return Ok(Some(offer));
                }
            }
            let Way::Opened { connect, join } = &mut self.way else {
                let sleep = pin!(runtime::sleep(left));
                select(kicked, sleep).await;
                if self.shared.now() >= away_since + self.ttl {
                    return Err(away(self.ttl, "the role did not come back"));
                }
                continue;
            };
            let opening = open(connect.as_ref(), join, self.limits);
            let opened = runtime::timeout(self.timing.connect, opening).await;
            let error = match opened {
                Ok(Ok((opened, ttl))) => {
                    self.ttl = ttl;
                    return Ok(Some(opened));
                }
                Ok(Err(Failure::ForGood(abort))) => return Err(abort),
                Ok(Err(Failure::ForNow(error))) => error.report(),
                Err(elapsed) => elapsed.to_string(),
            };
            if self.shared.now() >= away_since + self.ttl {
                return Err(away(self.ttl, &error));
            }
            let longest = self.timing.backoff * 2_u32.saturating_pow(attempt);
            attempt = (attempt + 1).min(16);
            let pause = longest.min(self.timing.backoff_max).mul_f64(self.rng.f64());
            select(kicked, pin!(runtime::sleep(pause.min(left)))).await;
        }
    }

    /// Attends to the connection until it is gone; true when the session has ended.
    async fn attend(&mut self) -> bool {
        let mut alarm = Alarm::default();
        loop {
            let kicked = self.shared.kicked();
            let now = self.shared.now();
            let mut linger = LONG;
            {
                let mut state = self.shared.state();
                if state.core.lost().is_some() {
                    return true;
                }
                let dead = state.core.timeout(now);
                let replaced = !state.offered.is_empty();
                let moved = state.move_within.is_some_and(|at| at.is_zero());
                let connection = state.connections;
                if state.transport.is_none() {
                    return false;
                }
                if dead || replaced || moved {
                    state.move_within = None;
                    drop(state);
                    self.shared.broken(connection);
                    return false;
                }
                if let Some(since) = state.closing {
                    linger = (since + self.timing.linger).saturating_sub(now);
                    if state.core.is_settled() || linger.is_zero() {
                        return true;
                    }
                }
                if let Some(within) = state.move_within.take() {
                    // At some moment of it, and not with all others at once.
                    linger = linger.min(within.mul_f64(self.rng.f64()));
                    state.move_within = Some(Duration::ZERO);
                }
            }
            self.shared.read_if_due();
            let planned = self.shared.until_planned(linger);
            let alarm = alarm.within(planned, self.shared.now());
            let flush =
                poll_fn(|context| self.shared.poll_flush(context)).then(|()| pending::<()>());
            select(select(kicked, alarm), pin!(flush)).await;
        }
    }

    /// Says goodbye and lets everybody know.
    async fn end(&mut self) {
        let transport = {
            let mut state = self.shared.state();
            if state.core.is_settled() {
                state.core.leave();
            } else {
                let reason = "the last messages were not acknowledged in time";
                state.core.abort(Abort::new(Code::Timeout, reason));
            }
            state.transport.clone()
        };
        if let Some(transport) = transport {
            let flush = poll_fn(|context| self.shared.poll_flush(context));
            let goodbye = async {
                flush.await;
                let _ = transport.close().await;
            };
            let _ = runtime::timeout(GOODBYE, goodbye).await;
        }
        let mut state = self.shared.state();
        state.transport = None;
        state.core.link_down();
        state.link = match state.core.lost() {
            Some(abort) => Link::Lost(abort.clone()),
            None => Link::Closed,
        };
        state.core.end();
        drop(state);
        self.shared.change();
    }
}

/// Connects and says what is to be said.
async fn open(
    connect: &dyn Connect,
    join: &mut Join,
    limits: Limits,
) -> Result<(Opened, Duration), Failure> {
    let transport: Arc<dyn Transport> = connect.connect().await.map_err(Failure::connect)?.into();
    let hello = join.hello().to_bytes();
    transport.send(hello).await.map_err(Failure::ForNow)?;
    loop {
        let mut bytes = match transport.recv().await.map_err(Failure::ForNow)? {
            Some(bytes) => bytes,
            None => return Err(Failure::closed()),
        };
        while let Some(frame) =
            Frame::decode(&mut bytes, limits.frame as usize).map_err(Failure::malformed)?
        {
            match join.answer(&frame).map_err(Failure::refused)? {
                Step::Say(frame) => {
                    let proof = frame.to_bytes();
                    transport.send(proof).await.map_err(Failure::ForNow)?;
                }
                Step::In(entry) => {
                    let opened = Opened {
                        transport,
                        limits: entry.limits,
                        rest: bytes,
                    };
                    return Ok((opened, entry.ttl));
                }
            }
        }
    }
}

/// The role was away for too long.
fn away(ttl: Duration, why: &str) -> Abort {
    let seconds = ttl.as_secs();
    Abort::new(Code::Expired, format_args!("away for {seconds} s: {why}"))
}

impl Failure {
    fn connect(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Config => Self::ForGood(Abort::new(Code::Forbidden, error.report())),
            _ => Self::ForNow(error),
        }
    }

    fn refused(abort: Abort) -> Self {
        match abort.code() {
            Code::Timeout | Code::Quota => {
                let error = Error::new(ErrorKind::Transport, "the server has no room now");
                Self::ForNow(error.with_source(abort))
            }
            _ => Self::ForGood(abort),
        }
    }

    fn malformed(error: crate::wire::FrameError) -> Self {
        Self::ForGood(Abort::new(Code::Malformed, error))
    }

    fn closed() -> Self {
        let detail = "the server closed the connection before it let the role in";
        Self::ForNow(Error::new(ErrorKind::Transport, detail))
    }
}

impl Alarm {
    /// Rings after `wait`, or earlier.
    fn within(&mut self, wait: Duration, now: Time) -> &mut BoxFuture<'static, ()> {
        let at = now + wait;
        if !matches!(&self.0, Some((set, _)) if now < *set && *set <= at) {
            self.0 = None;
        }
        let (_, ring) = self
            .0
            .get_or_insert_with(|| (at, runtime::sleep(wait).boxed()));
        ring
    }
}

//! The task behind a session: opens connections, watches the clock, waits for slow writes.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use choreo_core::{Connect, Error, ErrorKind, Result, Transport, runtime};
use fastrand::Rng;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::core::Core;
use crate::join::{Join, Step};
use crate::shared::{Kick, Shared};
use crate::status::Link;
use crate::time::Time;
use crate::wire::{Abort, Code, Frame, FrameError};
use crate::{Limits, Timing};

/// The longest time between two looks.
const LONG: Time = Time::from_millis(3_600_000);
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
    /// How many attempts failed one after the other; a connection that breaks at once and has
    /// brought nothing is one, too.
    pub(crate) failures: u32,
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
                Ok(None) => return self.end(),
                Err(abort) => {
                    self.shared.lose(abort);
                    return self.end();
                }
            }
            let begun = self.shared.now();
            self.failures = self.failures.saturating_add(1);
            let over = self.attend().await && self.goodbye().await;
            if over {
                return self.end();
            }
            let lasted = self.shared.now() >= begun + self.timing.backoff;
            if lasted || self.shared.state().core.was_heard() {
                self.failures = 0;
            }
        }
    }

    /// Opens a connection, trying again for as long as the session can be resumed; `None` when it
    /// is to be closed and nobody waits for anything more.
    async fn open(&mut self) -> Result<Option<Opened>, Abort> {
        let shared = Arc::clone(&self.shared);
        let away_since = self.shared.now();
        let mut tried = false;
        // Let in, and cut off at once.
        let mut early = self.failures > 0;
        loop {
            // What the application sends is no reason to hurry.
            let hurried = shared.kicked(Kick::Hurry);
            let now = self.shared.now();
            let mut left = (away_since + self.ttl).saturating_sub(now);
            let deserted = {
                let mut state = self.shared.state();
                if let Some(abort) = state.core.lost() {
                    return Err(abort.clone());
                }
                if let Some(since) = state.closing {
                    left = left.min((since + self.timing.linger).saturating_sub(now));
                    // One attempt is made to say goodbye, each time when it was not heard.
                    let goodbye = !tried && self.makes_sure(&state.core);
                    let settled = state.core.is_settled() && !goodbye;
                    if settled || left.is_zero() || state.connections == 0 {
                        return Ok(None);
                    }
                }
                if let Some(offer) = state.offered.take() {
                    return Ok(Some(offer));
                }
                early &= state.closing.is_none();
                state.closing.is_none() && state.core.is_deserted()
            };
            if deserted {
                // There is nobody to come back for.
                hurried.await;
                continue;
            }
            if std::mem::take(&mut early) {
                wait(self.pause(left), hurried).await;
                continue;
            }
            let Way::Opened { connect, join } = &mut self.way else {
                wait(left, hurried).await;
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
                // The goodbye was heard, only not the answer.
                Ok(Err(Failure::ForGood(_))) if self.shared.state().core.is_leaving() => {
                    return Ok(None);
                }
                Ok(Err(Failure::ForGood(abort))) => return Err(abort),
                Ok(Err(Failure::ForNow(error))) => error.report(),
                Err(elapsed) => elapsed.to_string(),
            };
            if self.shared.now() >= away_since + self.ttl {
                return Err(away(self.ttl, &error));
            }
            (tried, self.failures) = (true, self.failures.saturating_add(1));
            wait(self.pause(left), hurried).await;
        }
    }

    /// How long to wait before the next attempt, each time longer.
    fn pause(&mut self, at_most: Time) -> Time {
        let doubled = 1_u32.checked_shl(self.failures.saturating_sub(1));
        let longest = Time::from(self.timing.backoff).saturating_mul(doubled.unwrap_or(u32::MAX));
        let pause = some(longest.min(self.timing.backoff_max.into()), &mut self.rng);
        pause.min(at_most)
    }

    /// Attends to the connection until it is gone; true when the session has ended.
    async fn attend(&mut self) -> bool {
        let shared = Arc::clone(&self.shared);
        let mut alarm = Alarm::default();
        loop {
            let mut kicked = pin!(shared.kicked(Kick::Look));
            let now = self.shared.now();
            let mut linger = LONG;
            {
                let mut state = self.shared.state();
                if state.core.lost().is_some() {
                    return true;
                }
                let dead = state.core.timeout(now);
                let replaced = state.offered.is_some();
                let moved = state.move_within.is_some_and(|at| at.is_zero());
                let connection = state.connections;
                if state.transport.is_none() {
                    return false;
                }
                if state.unwritable {
                    drop(state);
                    self.shared.give_up(connection);
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
                    linger = linger.min(some(within.into(), &mut self.rng));
                    state.move_within = Some(Duration::ZERO);
                }
            }
            self.shared.read_if_due();
            let planned = self.shared.until_planned(linger);
            let alarm = alarm.within(planned, self.shared.now());
            poll_fn(|context| {
                // What is slow is written meanwhile.
                let _ = shared.poll_flush(context);
                match kicked.as_mut().poll(context) {
                    Poll::Ready(()) => Poll::Ready(()),
                    Poll::Pending => alarm.as_mut().poll(context),
                }
            })
            .await;
        }
    }

    /// Says goodbye; false if the connection broke before that was heard, and it is to be said on
    /// another.
    async fn goodbye(&mut self) -> bool {
        // Nobody asks twice about an error.
        let leaving = self.conclude();
        let (transport, connection, make_sure) = {
            let state = self.shared.state();
            let make_sure = leaving && self.makes_sure(&state.core);
            (state.transport.clone(), state.connections, make_sure)
        };
        let Some(transport) = transport else {
            return !make_sure;
        };
        let goodbye = async {
            poll_fn(|context| self.shared.poll_flush(context)).await;
            let written = {
                let state = self.shared.state();
                state.is_on(connection) && !state.unwritable
            };
            if !written {
                let detail = "the connection broke before the goodbye went out";
                return Err(Error::new(ErrorKind::Transport, detail));
            }
            transport.close().await?;
            // The other side ends the connection in order, too, once it has read all.
            while make_sure && transport.recv().await?.is_some() {}
            Ok::<_, Error>(())
        };
        let broken = matches!(runtime::timeout(GOODBYE, goodbye).await, Ok(Err(_)));
        if make_sure && broken {
            self.shared.broken(connection);
        }
        !(make_sure && broken)
    }

    /// Whether the goodbye has to be heard: who is called answers those who come again, and who has
    /// been left does not wait.
    fn makes_sure(&self, core: &Core) -> bool {
        matches!(self.way, Way::Opened { .. }) && !core.is_left()
    }

    /// Decides how the session ends; true if in order.
    fn conclude(&self) -> bool {
        let mut state = self.shared.state();
        if state.core.is_settled() {
            state.core.leave();
        } else {
            let reason = "the last messages were not acknowledged in time";
            state.core.abort(Abort::new(Code::Timeout, reason));
        }
        state.core.lost().is_none()
    }

    /// Lets everybody know.
    fn end(&self) {
        self.conclude();
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

/// Waits so long, or until the keeper is kicked.
async fn wait(at_most: Time, kicked: impl Future<Output = ()>) {
    // Either will do.
    let _ = runtime::timeout(at_most.into(), kicked).await;
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
        let malformed = |error: FrameError| Failure::ForGood(error.into());
        while let Some(frame) =
            Frame::decode(&mut bytes, limits.frame as usize).map_err(malformed)?
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

/// Up to so long, by chance.
fn some(time: Time, rng: &mut Rng) -> Time {
    time.part(rng.u32(..=1_024), 1_024)
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

    fn closed() -> Self {
        let detail = "the server closed the connection before it let the role in";
        Self::ForNow(Error::new(ErrorKind::Transport, detail))
    }
}

impl Alarm {
    /// Rings after `wait`, or earlier.
    fn within(&mut self, wait: Time, now: Time) -> &mut BoxFuture<'static, ()> {
        let at = now + wait;
        if !matches!(&self.0, Some((set, _)) if now < *set && *set <= at) {
            self.0 = None;
        }
        let (_, ring) = self
            .0
            .get_or_insert_with(|| (at, runtime::sleep(wait.into()).boxed()));
        ring
    }
}

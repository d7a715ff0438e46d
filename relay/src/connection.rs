//! One connection, from the greeting to the end.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use choreo_core::{Transport, runtime};
use choreo_session::wire::{Abort, Code, Frame, Kind};
use futures::future::{Either, select};
use tracing::{debug, info};

use crate::gate::Pass;
use crate::hall::{Member, Met};
use crate::line::{End, Line};
use crate::relay::Inner;

/// How long the last words may take to go out.
const GOODBYE: Duration = Duration::from_secs(3);

/// Lets a role in and serves it.
pub(crate) async fn attend(
    relay: &Inner,
    transport: &dyn Transport,
    pass: &mut Pass,
) -> Result<(), Abort> {
    let limit = relay.config.greeting_time;
    let greeted = runtime::timeout(limit, greet(relay, transport)).await;
    let late = |_| {
        let reason = format_args!("not let in within {} s", limit.as_secs_f32());
        Err(End::Abort(Abort::new(Code::Timeout, reason)))
    };
    match greeted.unwrap_or_else(late) {
        Ok(member) => {
            pass.let_in();
            serve(relay, transport, member).await
        }
        Err(End::Abort(abort)) => {
            let (code, reason) = (abort.code().number(), abort.reason());
            info!(code, reason, "not let in");
            relay.metrics.refused(abort.code());
            refuse(transport, &abort).await;
            Err(abort)
        }
        Err(_) => Ok(()),
    }
}

/// Tells somebody why it is not let in.
pub(crate) async fn refuse(transport: &dyn Transport, abort: &Abort) {
    let abort = abort.to_frame(0).to_bytes();
    // Whoever does not take it does not learn it.
    let _ = runtime::timeout(GOODBYE, transport.send(abort)).await;
}

async fn greet(relay: &Inner, transport: &dyn Transport) -> Result<Member, End> {
    let hello = first(transport).await?;
    match relay.hall.hello(&hello)? {
        Met::In(member) => Ok(member),
        Met::Asked(visitor, challenge) => {
            let sent = transport.send(challenge.to_bytes()).await;
            sent.map_err(|_| End::Gone)?;
            let proof = first(transport).await?;
            Ok(relay.hall.proof(visitor, &proof)?)
        }
    }
}

/// The next frame of somebody who is not in yet.
async fn first(transport: &dyn Transport) -> Result<Frame, End> {
    let bytes = receive(transport).await?;
    Ok(Frame::greeting(bytes)?)
}

async fn receive(transport: &dyn Transport) -> Result<Bytes, End> {
    match transport.recv().await {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(End::Gone),
        Err(error) => {
            debug!(error = error.report(), "connection broke");
            Err(End::Gone)
        }
    }
}

/// Serves a role until its connection ends.
async fn serve(relay: &Inner, transport: &dyn Transport, mut member: Member) -> Result<(), Abort> {
    let line = Arc::clone(&member.line);
    let heard = Heard::new();
    let end = {
        let mut write = pin!(write(&line, transport));
        let others = pin!(async {
            tokio::select! {
                end = read(&member, transport, &heard) => end,
                end = watch(relay, &line, &heard) => end,
                end = line.ended() => end,
            }
        });
        match select(&mut write, others).await {
            // It takes nothing more, but may have said goodbye.
            Either::Left((End::Gone, others)) => {
                let read = runtime::timeout(GOODBYE, others).await;
                read.unwrap_or(End::Gone)
            }
            Either::Left((end, _)) => end,
            Either::Right((end, _)) => {
                let gone = matches!(end, End::Gone);
                line.end(end, 0);
                if !gone {
                    let _ = runtime::timeout(GOODBYE, write).await;
                }
                line.ended().await
            }
        }
    };
    line.end(End::Gone, 0);
    let (session, role) = member.name();
    match end {
        End::Left => {
            info!(session, role, "left");
            member.leave();
            Ok(())
        }
        End::Gone | End::Drained => {
            info!(session, role, "away");
            Ok(())
        }
        End::Cut(abort) | End::Abort(abort) => {
            let (code, reason) = (abort.code().number(), abort.reason());
            info!(session, role, code, reason, "closed");
            relay.metrics.closed(abort.code());
            Err(abort)
        }
    }
}

/// Sends what waits.
async fn write(line: &Line, transport: &dyn Transport) -> End {
    while let Some(batch) = line.next().await {
        if transport.send(batch).await.is_err() {
            return End::Gone;
        }
    }
    line.ended().await
}

/// Takes what comes.
async fn read(member: &Member, transport: &dyn Transport, heard: &Heard) -> End {
    loop {
        let mut bytes = match receive(transport).await {
            Ok(bytes) => bytes,
            Err(end) => return end,
        };
        heard.now();
        loop {
            let taken = match Frame::decode(&mut bytes, member.limits.frame as usize) {
                Ok(None) => break,
                Ok(Some(frame)) => take(member, frame),
                Err(error) => Err(Abort::from(error).into()),
            };
            if let Err(end) = taken {
                return end;
            }
        }
    }
}

fn take(member: &Member, frame: Frame) -> Result<(), End> {
    match (frame.kind, frame.peer) {
        (Kind::Abort, _) => {
            member.end_session(&Abort::from_frame(&frame));
            Err(End::Left)
        }
        (Kind::Fin, 0) => Err(End::Left),
        (Kind::Ping, 0) => {
            member.line.push(&Frame::new(Kind::Pong, 0));
            Ok(())
        }
        (Kind::Pong | Kind::Ack, 0) => Ok(()),
        (Kind::Fin, _) if frame.seq == 0 => {
            let reason = "only the relay says that a role has left for good";
            Err(Abort::new(Code::Malformed, reason).into())
        }
        (Kind::Data | Kind::Ack | Kind::Fin, peer) if peer > 0 => Ok(member.route(frame)?),
        (kind, peer) => {
            let reason = format_args!("{kind:?} for peer {peer} within a session");
            Err(Abort::new(Code::Malformed, reason).into())
        }
    }
}

/// Asks for signs of life, and ends the connection when there are none.
async fn watch(relay: &Inner, line: &Line, heard: &Heard) -> End {
    let (config, every) = (&relay.config, relay.config.terms.ping_interval);
    let mut ping_in = every;
    loop {
        let silent = heard.ago();
        if silent >= config.silence {
            let reason = format_args!("silent for {} s", silent.as_secs());
            return End::Cut(Abort::new(Code::Timeout, reason));
        }
        let full = line.full_for().unwrap_or_default();
        if full >= config.stall {
            let reason = format_args!("not reading for {} s", full.as_secs());
            return End::Cut(Abort::new(Code::Quota, reason));
        }
        if ping_in.is_zero() {
            line.push(&Frame::new(Kind::Ping, 0));
            ping_in = every;
        }
        let pause = ping_in
            .min(config.silence - silent)
            .min(config.stall - full);
        runtime::sleep(pause).await;
        ping_in = ping_in.saturating_sub(pause);
    }
}

/// When something came last.
struct Heard {
    begun: Instant,
    /// Since then, in milliseconds.
    last: AtomicU64,
}

impl Heard {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            last: AtomicU64::new(0),
        }
    }

    fn now(&self) {
        let now = self.begun.elapsed().as_millis() as u64;
        self.last.store(now, Ordering::Relaxed);
    }

    fn ago(&self) -> Duration {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(last)
    }
}

impl From<Abort> for End {
    fn from(abort: Abort) -> Self {
        Self::Abort(abort)
    }
}

use std::sync::atomic::Ordering;

use choreo_core::{Bytes, runtime};

use super::Link;
use super::request::{BRIEF, Due, Failure, Patience, SILENCE};
use crate::end::End;
use crate::platform::Failed;
use crate::wire::Ask;

impl Link {
    /// Asks for what comes in, by an answer that goes on or, where such do not come through, again
    /// and again.
    pub(super) async fn down(&self) -> Result<(), End> {
        let mut patience = Patience::new(self.pipe.limits().retry_time);
        let mut turn = 0;
        while !self.pipe.has_ended() {
            self.pipe.room().await;
            turn += 1;
            let next = self.pipe.next();
            let polls = self.polls.load(Ordering::Relaxed);
            let asked = runtime::Instant::now();
            let went = self.ask(polls, turn, next).await;
            let well = self.pipe.next() > next || asked.elapsed() >= BRIEF;
            if well {
                patience.restore();
            }
            match went {
                Ok(()) if well => {}
                // Somebody between ends it as soon as it begins, or holds it back.
                Ok(()) | Err(Failure::Late(_)) if !polls => {
                    self.polls.store(true, Ordering::Relaxed);
                }
                Ok(()) => {
                    let empty = "the answer came at once, and brought nothing new".to_owned();
                    patience.wait(Failed::new(empty).into()).await?;
                }
                Err(failure) => patience.wait(failure).await?,
            }
        }
        Ok(())
    }

    /// Makes one request, and takes in what comes from that number on.
    async fn ask(&self, polls: bool, turn: u64, next: u64) -> Result<(), Failure> {
        let (ask, limit) = match polls {
            true => (Ask::Poll { turn, next }, SILENCE),
            false => {
                let begins = self.pipe.limits().stream_timeout;
                (Ask::Stream { turn, next }, begins)
            }
        };
        let asked = runtime::Instant::now();
        let answer = self.request(ask, Bytes::new(), limit).await?;
        let left = limit.saturating_sub(asked.elapsed());
        self.read(answer, next, Due::Next, left).await
    }
}

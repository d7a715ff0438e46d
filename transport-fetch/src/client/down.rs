use std::sync::atomic::Ordering;
use std::time::Duration;

use choreo_core::runtime;

use super::Link;
use super::request::{BRIEF, Patience, refused};
use crate::end::{self, End};
use crate::platform::{Answer, Failed};
use crate::wire::{Ask, Decoder, Record};

/// Within it something comes, if only to show that it does: servers send it three times as often.
const SILENCE: Duration = Duration::from_secs(45);

/// How one request went.
enum Went {
    Well,
    /// A streamed answer is held back by something in between.
    HeldBack,
    Failed(Failed),
}

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
            let ask = match polls {
                true => Ask::Poll { turn, next },
                false => Ask::Stream { turn, next },
            };
            let asked = runtime::Instant::now();
            let went = self.ask(ask).await?;
            let lasted = asked.elapsed() >= BRIEF;
            if self.pipe.next() > next || lasted {
                patience.restore();
            }
            match went {
                Went::HeldBack => self.polls.store(true, Ordering::Relaxed),
                Went::Well if self.pipe.next() > next || lasted => {}
                Went::Well if polls => {
                    let empty = "the answer came at once, and brought nothing new".to_owned();
                    patience.wait(Failed(empty)).await?;
                }
                // Somebody between ends it as soon as it begins.
                Went::Well => self.polls.store(true, Ordering::Relaxed),
                Went::Failed(failed) => patience.wait(failed).await?,
            }
        }
        Ok(())
    }

    /// Makes one request, and takes in what comes.
    async fn ask(&self, ask: Ask) -> Result<Went, End> {
        let (streams, mut number) = match ask {
            Ask::Stream { next, .. } => (true, next),
            Ask::Poll { next, .. } => (false, next),
            Ask::Open | Ask::Send { .. } => return Ok(Went::Well),
        };
        let limits = self.pipe.limits();
        let head = self.head(ask);
        let beginning = async {
            let mut answer = self.http.get(&head).await?;
            let first = match streams && answer.is_ours() {
                true => answer.next().await?,
                false => None,
            };
            Ok((answer, first))
        };
        let limit = if streams {
            limits.stream_timeout
        } else {
            SILENCE
        };
        let (mut answer, mut bytes) = match runtime::timeout(limit, beginning).await {
            Ok(Ok(begun)) => begun,
            Ok(Err(failed)) => return Ok(Went::Failed(failed)),
            Err(_) if streams => return Ok(Went::HeldBack),
            Err(elapsed) => return Ok(Went::Failed(Failed(format!("no answer: {elapsed}")))),
        };
        if !answer.is_ours() {
            let passing = answer.is_passing() || answer.status == 409;
            return match passing {
                true => Ok(Went::Failed(Failed(format!(
                    "the answer was {}",
                    answer.status
                )))),
                false => Err(refused(answer).await),
            };
        }
        let mut decoder = Decoder::default();
        loop {
            if let Some(bytes) = bytes.take() {
                decoder.push(&bytes);
                self.take(&mut decoder, &mut number).await?;
            }
            if self.pipe.has_ended() {
                return Ok(Went::Well);
            }
            match next(&mut answer).await {
                Ok(None) => return Ok(Went::Well),
                Ok(some) => bytes = some,
                Err(failed) => return Ok(Went::Failed(failed)),
            }
        }
    }

    /// Takes in what is there wholly.
    async fn take(&self, decoder: &mut Decoder, number: &mut u64) -> Result<(), End> {
        let limit = self.pipe.limits().max_frame;
        loop {
            match decoder.next(limit) {
                Ok(None) => return Ok(()),
                Ok(Some(Record::Ask)) => self.pipe.asked(),
                Ok(Some(Record::At(at))) => *number = at,
                Ok(Some(Record::Item(item))) => {
                    self.pipe.take(*number, item).await?;
                    *number += 1;
                }
                Err(size) => return Err(end::too_large_received(size.0, limit)),
            }
        }
    }
}

/// The next bytes of an answer.
async fn next(answer: &mut Answer) -> Result<Option<choreo_core::Bytes>, Failed> {
    let next = runtime::timeout(SILENCE, answer.next()).await;
    next.unwrap_or_else(|elapsed| Err(Failed(format!("nothing came: {elapsed}"))))
}

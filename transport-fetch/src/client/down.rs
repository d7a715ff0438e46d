use std::sync::atomic::Ordering;
use std::time::Duration;

use choreo_core::{Bytes, runtime};

use super::Link;
use super::request::{BRIEF, Due, Patience, refused};
use crate::end::End;
use crate::platform::{Answer, Failed};
use crate::wire::{Ask, Decoder};

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
            let asked = runtime::Instant::now();
            let went = self.ask(!polls, turn, next).await?;
            let lasted = asked.elapsed() >= BRIEF;
            if self.pipe.next() > next || lasted {
                patience.restore();
            }
            match went {
                Went::HeldBack => self.polls.store(true, Ordering::Relaxed),
                Went::Well if self.pipe.next() > next || lasted => {}
                Went::Well if polls => {
                    let empty = "the answer came at once, and brought nothing new".to_owned();
                    patience.wait(Failed::new(empty)).await?;
                }
                // Somebody between ends it as soon as it begins.
                Went::Well => self.polls.store(true, Ordering::Relaxed),
                Went::Failed(failed) => patience.wait(failed).await?,
            }
        }
        Ok(())
    }

    /// Makes one request, and takes in what comes from that number on.
    async fn ask(&self, streams: bool, turn: u64, next: u64) -> Result<Went, End> {
        let limits = self.pipe.limits();
        let head = self.head(match streams {
            true => Ask::Stream { turn, next },
            false => Ask::Poll { turn, next },
        });
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
            Err(elapsed) => return Ok(Went::Failed(Failed::new(format!("no answer: {elapsed}")))),
        };
        if !answer.is_ours() {
            let passing = answer.is_passing() || answer.status == 409;
            return match passing {
                true => Ok(Went::Failed(answer.failed())),
                false => Err(refused(answer).await),
            };
        }
        let (mut decoder, mut number) = (Decoder::default(), next);
        loop {
            if let Some(bytes) = bytes.take() {
                decoder.push(&bytes);
                self.take(&mut decoder, &mut number, Due::Next).await?;
            }
            if self.pipe.has_ended() {
                return Ok(Went::Well);
            }
            match piece(&mut answer).await {
                Ok(None) => return Ok(Went::Well),
                Ok(some) => bytes = some,
                Err(failed) => return Ok(Went::Failed(failed)),
            }
        }
    }
}

/// The next bytes of an answer.
async fn piece(answer: &mut Answer) -> Result<Option<Bytes>, Failed> {
    let piece = runtime::timeout(SILENCE, answer.next()).await;
    piece.unwrap_or_else(|elapsed| Err(Failed::new(format!("nothing came: {elapsed}"))))
}

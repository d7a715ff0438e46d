use std::time::Duration;

use choreo_core::{Bytes, ErrorKind, runtime};

use super::Link;
use crate::end::{self, End};
use crate::platform::{Answer, Failed};
use crate::wire::{Decoder, Head, Record};

/// How long to wait before the first repetition, and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];
/// Longer than a server holds a request back while its reader is slow.
const LIMIT: Duration = Duration::from_secs(30);
/// No answer to a post brings as much.
const LARGEST_ANSWER: usize = 256 * 1024;
/// One that brings nothing new and comes sooner is not asked for again at once: nobody has waited for
/// something to come.
pub(super) const BRIEF: Duration = Duration::from_secs(1);
/// As much of an error's text is shown.
const MAX_REASON: usize = 200;
/// So long it is waited for.
const REASON: Duration = Duration::from_secs(1);

/// When to ask again, and when to give up.
pub(crate) struct Patience {
    failing_since: Option<runtime::Instant>,
    pause: Duration,
    limit: Duration,
}

impl Patience {
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            failing_since: None,
            pause: PAUSES[0],
            limit,
        }
    }

    /// It went well.
    pub(crate) fn restore(&mut self) {
        self.failing_since = None;
        self.pause = PAUSES[0];
    }

    /// It failed: waits before the next time, if there is one.
    pub(crate) async fn wait(&mut self, failed: Failed) -> Result<(), End> {
        let since = *self.failing_since.get_or_insert_with(runtime::Instant::now);
        if since.elapsed() + self.pause > self.limit {
            return Err(End::broken(failed.why()));
        }
        runtime::sleep(self.pause).await;
        self.pause = PAUSES[1].min(self.pause * 2);
        Ok(())
    }
}

impl Link {
    /// Posts, again and again until it is answered, takes in what the answer brings, and gives the
    /// number that the server expects.
    pub(crate) async fn post(&self, head: &Head, body: &Bytes, last: bool) -> Result<u64, End> {
        let mut patience = Patience::new(self.pipe.limits().retry_time);
        loop {
            let posted = runtime::timeout(LIMIT, self.http.post(head, body.clone(), last)).await;
            let failed = match posted {
                Ok(Ok(answer)) if answer.is_ours() => return self.posted(answer).await,
                Ok(Ok(answer)) if !answer.is_passing() => return Err(refused(answer).await),
                Ok(Ok(answer)) => answer.failed(),
                Ok(Err(failed)) => failed,
                Err(elapsed) => Failed::new(format!("no answer: {elapsed}")),
            };
            patience.wait(failed).await?;
        }
    }

    /// Takes in what the answer to a post brings: if it ends early the rest comes otherwise.
    async fn posted(&self, mut answer: Answer) -> Result<u64, End> {
        let head = answer.head.take().unwrap_or_default();
        let (next, first) = head.split_once(' ').unwrap_or((&head, ""));
        let next = next.parse();
        let next = next.map_err(|_| End::broken("the server's answer has no number"))?;
        let Ok(mut number) = first.parse::<u64>() else {
            return Ok(next);
        };
        let mut decoder = Decoder::default();
        let mut most = LARGEST_ANSWER.max(2 * self.pipe.limits().max_frame);
        while let Ok(Ok(Some(bytes))) = runtime::timeout(LIMIT, answer.next()).await {
            most = most.saturating_sub(bytes.len());
            if most == 0 {
                break;
            }
            decoder.push(&bytes);
            self.take(&mut decoder, &mut number, Due::Perhaps).await?;
        }
        Ok(next)
    }

    /// Takes in what is there wholly.
    pub(super) async fn take(
        &self,
        decoder: &mut Decoder,
        number: &mut u64,
        due: Due,
    ) -> Result<(), End> {
        let limit = self.pipe.limits().max_frame;
        loop {
            match decoder.next(limit) {
                Ok(None) => return Ok(()),
                Ok(Some(Record::Ask)) => self.pipe.asked(),
                Ok(Some(Record::At(at))) => *number = at,
                Ok(Some(Record::Item(item))) => {
                    match due {
                        Due::Next => self.pipe.take(*number, item).await?,
                        Due::Perhaps => self.pipe.offered(*number, item),
                    }
                    *number = number.saturating_add(1);
                }
                Err(size) => return Err(end::too_large_received(size.0, limit)),
            }
        }
    }
}

/// How frames come.
#[derive(Clone, Copy)]
pub(super) enum Due {
    /// Each in its turn: one that finds no room waits.
    Next,
    /// As a copy: one that is not next, or finds no room, comes again.
    Perhaps,
}

impl Answer {
    /// Whether our server has answered, as asked.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.status, 200 | 204) && self.head.is_some()
    }

    /// Whether another time it may go well: the server, or something before it, was not ready.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
    }

    /// It is not what was asked for.
    pub(crate) fn failed(&self) -> Failed {
        Failed::new(format!("the answer was {}", self.status))
    }
}

/// An answer that ends the connection.
pub(crate) async fn refused(mut answer: Answer) -> End {
    let status = answer.status;
    // It was open, and is not known any more.
    let forgotten = status == 404 && answer.head.is_some();
    let kind = match status {
        400..500 if !forgotten && !answer.is_passing() => ErrorKind::Config,
        _ => ErrorKind::Transport,
    };
    if answer.head.is_none() && status < 400 {
        // It may pass: a network that first wants to be logged in to answers so, too.
        let detail = format!(
            "somebody else than a choreo server has answered ({status}): is the address the one \
             where it is mounted?"
        );
        return End::refused(ErrorKind::Transport, detail);
    }
    let mut reason = String::new();
    let read = async {
        while let Ok(Some(bytes)) = answer.next().await {
            reason.push_str(&String::from_utf8_lossy(&bytes));
            if reason.len() > MAX_REASON {
                break;
            }
        }
    };
    // What has come by then is shown.
    let _ = runtime::timeout(REASON, read).await;
    let reason: String = reason.trim().chars().take(MAX_REASON).collect();
    let reason: String = reason.chars().flat_map(char::escape_debug).collect();
    End::refused(kind, format!("the server has answered {status}: {reason}"))
}

use std::time::Duration;

use choreo_core::runtime::Elapsed;
use choreo_core::{Bytes, ErrorKind, runtime};

use super::Link;
use crate::end::{self, End};
use crate::platform::{Answer, Failed};
use crate::wire::{Ask, Decoder, Head, Record, TooLarge};

/// How long to wait before the first repetition, and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];
/// Within it something comes, if only to show that it does: servers send it three times as often.
pub(super) const SILENCE: Duration = Duration::from_secs(45);
/// No answer to a post brings as much.
const LARGEST_ANSWER: usize = 256 * 1024;
/// One that brings nothing new and comes sooner is not asked for again at once: nobody has waited for
/// something to come.
pub(super) const BRIEF: Duration = Duration::from_secs(1);
/// As much of an error's text is shown, in bytes of its first piece.
const MAX_REASON: usize = 200;
/// So long it is waited for.
const REASON: Duration = Duration::from_secs(1);

/// Why a request did not go well.
pub(super) enum Failure {
    /// Another time it may.
    Passing(Failed),
    /// Nothing has come in time.
    Late(Elapsed),
    /// It never will.
    Final(End),
}

/// When to ask again, and when to give up.
pub(super) struct Patience {
    failing_since: Option<runtime::Instant>,
    pause: Duration,
    limit: Duration,
}

impl Patience {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            failing_since: None,
            pause: PAUSES[0],
            limit,
        }
    }

    /// It went well.
    pub(super) fn restore(&mut self) {
        self.failing_since = None;
        self.pause = PAUSES[0];
    }

    /// It failed: waits before the next time, if there is one.
    pub(super) async fn wait(&mut self, failure: Failure) -> Result<(), End> {
        let since = *self.failing_since.get_or_insert_with(runtime::Instant::now);
        let over = since.elapsed() + self.pause > self.limit;
        match failure {
            Failure::Final(end) => return Err(end),
            Failure::Passing(failed) if over => return Err(End::broken(failed.why())),
            Failure::Late(elapsed) if over => {
                return Err(End::broken(format_args!("no answer: {elapsed}")));
            }
            Failure::Passing(_) | Failure::Late(_) => {}
        }
        runtime::sleep(self.pause).await;
        self.pause = PAUSES[1].min(self.pause * 2);
        Ok(())
    }
}

impl Link {
    /// Makes one request, and gives the answer of our server.
    pub(super) async fn request(
        &self,
        ask: Ask,
        body: Bytes,
        limit: Duration,
    ) -> Result<Answer, Failure> {
        let head = Head { id: self.id, ask };
        let request = self.http.request(&head, body, self.pipe.is_closing());
        let answer = runtime::timeout(limit, request).await??;
        if answer.is_ours() {
            return Ok(answer);
        }
        if ask != Ask::Open && answer.is_passing() {
            let why = format!("the answer was {}", answer.status);
            return Err(Failed::new(why).into());
        }
        Err(refused(answer).await.into())
    }

    /// Takes in what an answer brings, of which the first has that number, until it ends or nothing
    /// more comes in. It has to begin within the limit.
    pub(super) async fn read(
        &self,
        mut answer: Answer,
        mut number: u64,
        due: Due,
        mut limit: Duration,
    ) -> Result<(), Failure> {
        let max_frame = self.pipe.limits().max_frame;
        let mut decoder = Decoder::default();
        let (mut begun, mut most) = (false, LARGEST_ANSWER.max(2 * max_frame));
        while !self.pipe.has_ended() {
            let piece = match runtime::timeout(limit, answer.next()).await {
                Err(elapsed) if begun => {
                    return Err(Failed::new(format!("nothing came: {elapsed}")).into());
                }
                piece => piece??,
            };
            let Some(bytes) = piece else { break };
            if due == Due::Perhaps {
                most = most.saturating_sub(bytes.len());
                if most == 0 {
                    break;
                }
            }
            decoder.push(&bytes);
            let too_large = |size: TooLarge| end::too_large_received(size.0, max_frame);
            while let Some(record) = decoder.next(max_frame).map_err(too_large)? {
                match (record, due) {
                    (Record::Ask, _) => self.pipe.asked(),
                    (Record::At(at), _) => number = at,
                    (Record::Item(item), due) => {
                        match due {
                            Due::Next => self.pipe.take(number, item).await?,
                            Due::Perhaps => self.pipe.offered(number, item),
                        }
                        number = number.saturating_add(1);
                    }
                }
            }
            (begun, limit) = (true, SILENCE);
        }
        Ok(())
    }
}

/// How frames come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Each in its turn: one that finds no room waits.
    Next,
    /// As a copy: one that is not next, or finds no room, comes again.
    Perhaps,
}

impl Answer {
    /// Whether our server has answered, as asked.
    fn is_ours(&self) -> bool {
        matches!(self.status, 200 | 204) && self.head.is_some()
    }

    /// Whether another time it may go well: the server, or something before it, was not ready, or
    /// has answered a newer request first.
    fn is_passing(&self) -> bool {
        matches!(self.status, 408 | 409 | 425 | 429 | 500 | 502 | 503 | 504)
    }
}

/// An answer that ends the connection.
async fn refused(mut answer: Answer) -> End {
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
    let reason = runtime::timeout(REASON, answer.next()).await;
    let reason = reason.ok().and_then(Result::ok).flatten();
    let reason = reason.as_deref().unwrap_or_default().trim_ascii();
    let shown = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '?',
    };
    let reason: String = reason.iter().take(MAX_REASON).map(shown).collect();
    End::refused(kind, format!("the server has answered {status}: {reason}"))
}

impl From<Failed> for Failure {
    fn from(failed: Failed) -> Self {
        Self::Passing(failed)
    }
}

impl From<Elapsed> for Failure {
    fn from(elapsed: Elapsed) -> Self {
        Self::Late(elapsed)
    }
}

impl From<End> for Failure {
    fn from(end: End) -> Self {
        Self::Final(end)
    }
}

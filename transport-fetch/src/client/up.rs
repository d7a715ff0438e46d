use std::time::Duration;

use choreo_core::runtime;

use super::Link;
use super::request::{BRIEF, Due, Failure, Patience};
use crate::end::End;
use crate::pipe::Batch;
use crate::platform::Failed;
use crate::wire::Ask;

/// About how many bytes go into one request.
const BATCH: usize = 64 * 1024;
/// Longer than a server holds a request back while its reader is slow.
const LIMIT: Duration = Duration::from_secs(30);

impl Link {
    /// Posts what goes out, one request at a time: what comes meanwhile goes together.
    pub(super) async fn up(&self) -> Result<(), End> {
        let mut patience = Patience::new(self.pipe.limits().retry_time);
        while let Some(batch) = self.pipe.post(BATCH).await {
            let last = self.pipe.is_closing();
            let waited = match self.post(batch).await {
                Ok(()) => {
                    patience.restore();
                    Ok(())
                }
                Err(failure) => patience.wait(failure).await,
            };
            // The server forgets a connection that both sides have closed.
            if waited.is_err() && last && self.pipe.has_ended() {
                return Ok(());
            }
            waited?;
        }
        Ok(())
    }

    /// Posts once, and takes in what the answer brings.
    async fn post(&self, batch: Batch) -> Result<(), Failure> {
        let (first, empty) = (batch.first, batch.body.is_empty());
        let told = self.pipe.tell();
        let ask = Ask::Send { first, next: told };
        let asked = runtime::Instant::now();
        let answered = self.request(ask, batch.body, LIMIT).await;
        let mut answer = answered.inspect_err(|_| self.pipe.asked())?;
        let head = answer.head.take().unwrap_or_default();
        let end = head.bytes().position(|byte| byte == b' ');
        let (next, brought) = head.split_at(end.unwrap_or(head.len()));
        let next = next.parse();
        let next = next.map_err(|_| End::broken("the server's answer has no number"))?;
        if let Some(Ok(brought)) = brought.get(1..).map(str::parse) {
            let read = self.read(answer, brought, Due::Perhaps, LIMIT).await;
            // If it ends early the rest comes otherwise.
            if let Err(Failure::Final(end)) = read {
                return Err(end.into());
            }
        }
        self.pipe.acked(next)?;
        // A server whose reader is slow holds its answer back.
        if next > first || empty || asked.elapsed() >= BRIEF {
            return Ok(());
        }
        let nothing = "the server took nothing of what was sent".to_owned();
        Err(Failed::new(nothing).into())
    }
}

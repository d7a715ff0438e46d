use super::Link;
use crate::end::End;
use crate::wire::Ask;

/// About how many bytes go into one request.
const BATCH: usize = 64 * 1024;

impl Link {
    /// Posts what goes out, one request at a time: what comes meanwhile goes together.
    pub(super) async fn up(&self) -> Result<(), End> {
        while let Some(batch) = self.pipe.post(BATCH).await {
            let next = self.pipe.tell();
            let head = self.head(Ask::Send {
                first: batch.first,
                next,
            });
            let last = self.pipe.is_closing();
            match self.post(&head, &batch.body, last).await {
                Ok(next) => self.pipe.acked(next)?,
                // The server forgets a connection that both sides have closed.
                Err(_) if self.pipe.has_ended() && last => return Ok(()),
                Err(end) => return Err(end),
            }
        }
        Ok(())
    }
}

use choreo_core::runtime;

use super::Link;
use super::request::{BRIEF, Patience};
use crate::end::End;
use crate::platform::Failed;
use crate::wire::Ask;

/// About how many bytes go into one request.
const BATCH: usize = 64 * 1024;

impl Link {
    /// Posts what goes out, one request at a time: what comes meanwhile goes together.
    pub(super) async fn up(&self) -> Result<(), End> {
        let mut patience = Patience::new(self.pipe.limits().retry_time);
        while let Some(batch) = self.pipe.post(BATCH).await {
            let next = self.pipe.tell();
            let head = self.head(Ask::Send {
                first: batch.first,
                next,
            });
            let last = self.pipe.is_closing();
            let asked = runtime::Instant::now();
            match self.post(&head, &batch.body, last).await {
                Ok(next) => {
                    self.pipe.acked(next)?;
                    // A server whose reader is slow holds its answer back.
                    let takes = next > batch.first || batch.body.is_empty();
                    if takes || asked.elapsed() >= BRIEF {
                        patience.restore();
                    } else {
                        let nothing = "the server took nothing of what was sent".to_owned();
                        patience.wait(Failed::new(nothing)).await?;
                    }
                }
                // The server forgets a connection that both sides have closed.
                Err(_) if self.pipe.has_ended() && last => return Ok(()),
                Err(end) => return Err(end),
            }
        }
        Ok(())
    }
}

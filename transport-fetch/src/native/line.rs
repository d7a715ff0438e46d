use choreo_core::Bytes;
use futures::lock::Mutex;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, Response};

use super::dial::Dial;
use super::{Failed, chain};

/// At most one connection of the system, for one request after the other.
///
/// A pool opens another one where the last answer has been read and its connection is not yet back;
/// here the next request waits for it.
#[derive(Default)]
pub(super) struct Line {
    kept: Mutex<Option<SendRequest<Full<Bytes>>>>,
}

impl Line {
    /// Makes a request. The answer before must have been read, or dropped.
    ///
    /// # Cancel safety
    /// The connection is closed: the next request opens one.
    pub(super) async fn send(
        &self,
        dial: &Dial,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failed> {
        let mut kept = self.kept.lock().await;
        let mut requests = match kept.take() {
            Some(requests) => requests,
            None => dial.connect().await?,
        };
        // The server may have closed it since.
        if requests.ready().await.is_err() {
            requests = dial.connect().await?;
        }
        let answer = requests.send_request(request).await;
        let answer = answer.map_err(|error| Failed::new(chain(&error)))?;
        *kept = Some(requests);
        Ok(answer)
    }
}

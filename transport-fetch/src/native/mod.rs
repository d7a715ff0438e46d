use std::error::Error as StdError;

use choreo_core::{Address, Bytes, Error, ErrorKind, Result, runtime};
use reqwest::header::{CACHE_CONTROL, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, Response, redirect};

use crate::wire::{self, Head};

/// Makes requests, natively.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    url: String,
}

/// An answer, whose body may still be coming.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Option<String>,
    response: Response,
}

/// A request was not answered, or not wholly.
pub(crate) struct Failed(pub(crate) String);

/// Runs what carries a connection.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    runtime::spawn(task);
}

impl Http {
    pub(crate) fn new(address: &Address) -> Result<Self> {
        let builder = Client::builder()
            // Frames are gathered here already; waiting for more would only delay them.
            .tcp_nodelay(true)
            .pool_max_idle_per_host(2)
            .referer(false)
            .redirect(redirect::Policy::none());
        let client = builder.build().map_err(|error| {
            let detail = format!("{address}: no HTTP client can be made here");
            Error::new(ErrorKind::Config, detail).with_source(error)
        })?;
        let url = address.url().to_owned();
        Ok(Self { client, url })
    }

    pub(crate) async fn post(
        &self,
        head: &Head,
        body: Bytes,
        _last: bool,
    ) -> Result<Answer, Failed> {
        let request = self.client.post(&self.url);
        let request = request.header(CONTENT_TYPE, wire::CONTENT_TYPE).body(body);
        send(request, head).await
    }

    pub(crate) async fn get(&self, head: &Head) -> Result<Answer, Failed> {
        let request = self.client.get(&self.url);
        send(request.header(CACHE_CONTROL, "no-store"), head).await
    }
}

impl Answer {
    /// The next bytes of its body; `None` at its end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failed> {
        self.response.chunk().await.map_err(failed)
    }
}

async fn send(request: RequestBuilder, head: &Head) -> Result<Answer, Failed> {
    let request = request.header(wire::HEADER, head.to_string());
    let response = request.send().await.map_err(failed)?;
    let head = response.headers().get(wire::HEADER);
    Ok(Answer {
        status: response.status().as_u16(),
        head: head.and_then(|head| head.to_str().ok()).map(str::to_owned),
        response,
    })
}

/// The whole chain, without the address, which may have a secret in it.
fn failed(error: reqwest::Error) -> Failed {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    Failed(text)
}

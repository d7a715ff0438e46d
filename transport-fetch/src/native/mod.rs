#[cfg(feature = "tls")]
mod tls;

use std::error::Error as StdError;

use choreo_core::{Address, Bytes, Error, ErrorKind, Result, runtime};
use reqwest::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap,
    HeaderName, HeaderValue, TRANSFER_ENCODING, UPGRADE,
};
use reqwest::{Client, RequestBuilder, Response, redirect};

use crate::FetchConnector;
use crate::wire::{self, Head};

/// Makes requests, natively.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    address: Address,
    /// What the application sends besides.
    headers: HeaderMap,
    #[cfg(feature = "tls")]
    trust: tls::Trust,
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

/// Natively only.
impl FetchConnector {
    /// Sends a header of your own with each request, natively: `Origin`, or what a proxy asks for.
    ///
    /// Browsers have no such thing: what must work there goes into the first message.
    ///
    /// # Errors
    /// `Config` if the name or the value cannot stand in a header, or the name is one that the
    /// requests have already.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self> {
        let refused = |what: &str| {
            let shown = name.escape_debug();
            Error::new(ErrorKind::Config, format!("header `{shown}`: {what}"))
        };
        let own = [
            CACHE_CONTROL,
            CONNECTION,
            CONTENT_ENCODING,
            CONTENT_LENGTH,
            CONTENT_TYPE,
            HOST,
            HeaderName::from_static(wire::HEADER),
            TRANSFER_ENCODING,
            UPGRADE,
        ];
        let name = HeaderName::try_from(name).map_err(|_| refused("no valid name"))?;
        if own.contains(&name) {
            return Err(refused("each request sets it itself"));
        }
        let value = HeaderValue::try_from(value).map_err(|_| refused("no valid value"))?;
        self.http.headers.append(name, value);
        Ok(self)
    }

    /// Trusts a certificate besides those that the system trusts: one's own authority, or a
    /// self-signed one. In DER form.
    ///
    /// # Errors
    /// `Config` if it is no certificate.
    #[cfg(feature = "tls")]
    pub fn trust(mut self, certificate: impl Into<Vec<u8>>) -> Result<Self> {
        self.http.trust.add(certificate.into())?;
        self.http.client = new_client(&self.address, &self.http.trust)?;
        Ok(self)
    }
}

impl Http {
    pub(crate) fn new(address: &Address) -> Result<Self> {
        if address.scheme() == "https" && !cfg!(feature = "tls") {
            let detail = format!("{address} needs the feature `tls` of choreo-transport-fetch");
            return Err(Error::new(ErrorKind::Config, detail));
        }
        #[cfg(feature = "tls")]
        let trust = tls::Trust::default();
        Ok(Self {
            client: new_client(
                address,
                #[cfg(feature = "tls")]
                &trust,
            )?,
            address: address.clone(),
            headers: HeaderMap::new(),
            #[cfg(feature = "tls")]
            trust,
        })
    }

    pub(crate) async fn post(
        &self,
        head: &Head,
        body: Bytes,
        _last: bool,
    ) -> Result<Answer, Failed> {
        let request = self.client.post(self.address.url()).body(body);
        self.send(request.header(CONTENT_TYPE, wire::CONTENT_TYPE), head)
            .await
    }

    pub(crate) async fn get(&self, head: &Head) -> Result<Answer, Failed> {
        let request = self.client.get(self.address.url());
        self.send(request.header(CACHE_CONTROL, "no-store"), head)
            .await
    }

    async fn send(&self, request: RequestBuilder, head: &Head) -> Result<Answer, Failed> {
        let request = request.headers(self.headers.clone());
        let request = request.header(wire::HEADER, head.to_string());
        let response = request.send().await.map_err(failed)?;
        let head = response.headers().get(wire::HEADER);
        Ok(Answer {
            status: response.status().as_u16(),
            head: head.and_then(|head| head.to_str().ok()).map(str::to_owned),
            response,
        })
    }
}

impl Answer {
    /// The next bytes of its body; `None` at its end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failed> {
        self.response.chunk().await.map_err(failed)
    }
}

fn new_client(address: &Address, #[cfg(feature = "tls")] trust: &tls::Trust) -> Result<Client> {
    let builder = Client::builder()
        // Frames are gathered here already; waiting for more would only delay them.
        .tcp_nodelay(true)
        .pool_max_idle_per_host(2)
        .referer(false)
        .redirect(redirect::Policy::none());
    #[cfg(feature = "tls")]
    let builder = builder.tls_backend_preconfigured(trust.config(address)?);
    builder.build().map_err(|error| {
        let detail = format!("{address}: no HTTP client can be made here");
        Error::new(ErrorKind::Config, detail).with_source(error)
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

//! Requests by hyper, over connections that one [`Line`] each keeps.

mod dial;
mod line;

use std::error::Error as StdError;

use choreo_core::{Address, Bytes, Error, ErrorKind, Result, runtime};
use http_body_util::{BodyExt, Full};
use hyper::Method;
use hyper::body::Incoming;
use hyper::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap,
    HeaderName, HeaderValue, PROXY_AUTHORIZATION, TRANSFER_ENCODING, UPGRADE,
};

use self::dial::Dial;
use self::line::Line;
use crate::FetchConnector;
use crate::wire::{self, Head};

/// Makes the requests of one connection, natively.
pub(crate) struct Http {
    dial: Dial,
    /// What the application sends besides.
    headers: HeaderMap,
    up: Line,
    down: Line,
}

/// An answer, whose body may still be coming.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Option<String>,
    body: Incoming,
}

/// A request was not answered, or not wholly.
pub(crate) struct Failed {
    kind: ErrorKind,
    why: String,
}

/// Runs what carries a connection.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    runtime::spawn(task);
}

/// Natively only.
impl FetchConnector {
    /// Sends a header of your own with each request, natively: `Origin`, or what a gateway asks for.
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
            PROXY_AUTHORIZATION,
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
        self.http.dial.trust.add(certificate)?;
        Ok(self)
    }
}

impl Http {
    pub(crate) fn new(address: &Address) -> Result<Self> {
        Ok(Self {
            dial: Dial::new(address)?,
            headers: HeaderMap::new(),
            up: Line::default(),
            down: Line::default(),
        })
    }

    /// Posts the body, or gets.
    pub(crate) async fn request(
        &self,
        head: &Head,
        body: Bytes,
        _last: bool,
    ) -> Result<Answer, Failed> {
        let (line, method, name, value) = match head.ask.posts() {
            true => (&self.up, Method::POST, CONTENT_TYPE, wire::CONTENT_TYPE),
            false => (&self.down, Method::GET, CACHE_CONTROL, "no-store"),
        };
        let request = self.dial.request(method).header(name, value);
        let request = request.header(wire::HEADER, head.to_string());
        let request = request.body(Full::new(body));
        let mut request = request.map_err(|error| Failed::new(chain(&error)))?;
        request.headers_mut().extend(self.headers.clone());
        let (parts, body) = line.send(&self.dial, request).await?.into_parts();
        let head = parts.headers.get(wire::HEADER);
        Ok(Answer {
            status: parts.status.as_u16(),
            head: head.and_then(|head| head.to_str().ok()).map(str::to_owned),
            body,
        })
    }
}

/// For another connection, which has lines of its own.
impl Clone for Http {
    fn clone(&self) -> Self {
        Self {
            dial: self.dial.clone(),
            headers: self.headers.clone(),
            up: Line::default(),
            down: Line::default(),
        }
    }
}

impl Answer {
    /// The next bytes of its body; `None` at its end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failed> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| Failed::new(chain(&error)))?;
            if let Ok(bytes) = frame.into_data() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}

impl Failed {
    pub(crate) fn new(why: String) -> Self {
        Self::of(ErrorKind::Transport, why)
    }

    fn of(kind: ErrorKind, why: String) -> Self {
        Self { kind, why }
    }

    /// Whether it may go well another time.
    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn why(self) -> String {
        self.why
    }
}

/// The error and all below it.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

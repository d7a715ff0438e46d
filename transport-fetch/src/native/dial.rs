use choreo_core::{Address, Error, ErrorKind, Result, runtime};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, PROXY_AUTHORIZATION};
use hyper::{Method, Request, Uri, http};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tower::ServiceExt;

use super::{Failed, chain};

/// Opens connections of the system to one address: directly, or by the proxy that the environment
/// names (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`).
#[derive(Clone)]
pub(super) struct Dial {
    uri: Uri,
    proxy: Option<Intercept>,
    #[cfg(feature = "tls")]
    address: Address,
    #[cfg(feature = "tls")]
    pub(super) trust: choreo_tls::Trust,
}

impl Dial {
    /// # Errors
    /// `Config` if the address cannot stand in a request, or there is no way to it from here.
    pub(super) fn new(address: &Address) -> Result<Self> {
        let refused = |what: &str| Error::new(ErrorKind::Config, format!("{address}{what}"));
        if address.scheme() == "https" && !cfg!(feature = "tls") {
            return Err(refused(
                " needs the feature `tls` of choreo-transport-fetch",
            ));
        }
        let uri = Uri::try_from(address.url());
        let uri = uri.map_err(|error| refused(" is not a valid address").with_source(error))?;
        let proxy = Matcher::from_env().intercept(&uri);
        let scheme = proxy.as_ref().and_then(|proxy| proxy.uri().scheme_str());
        if let Some(scheme) = scheme.filter(|scheme| *scheme != "http") {
            return Err(refused(&format!(
                ": the environment names a proxy of the kind {scheme}://, and only http:// ones \
                 are known (NO_PROXY names the hosts that are reached without)"
            )));
        }
        Ok(Self {
            uri,
            proxy,
            #[cfg(feature = "tls")]
            address: address.clone(),
            #[cfg(feature = "tls")]
            trust: choreo_tls::Trust::default(),
        })
    }

    /// A request as it has to be made on such a connection.
    pub(super) fn request(&self, method: Method) -> http::request::Builder {
        let request = Request::builder().method(method);
        let request = match self.uri.authority() {
            Some(authority) => request.header(HOST, authority.as_str()),
            None => request,
        };
        match &self.proxy {
            // The proxy makes it in turn.
            Some(proxy) if !self.is_secure() => {
                let request = request.uri(&self.uri);
                match proxy.basic_auth() {
                    Some(auth) => request.header(PROXY_AUTHORIZATION, auth),
                    None => request,
                }
            }
            _ => match self.uri.path_and_query() {
                Some(path) => request.uri(path.as_str()),
                None => request.uri("/"),
            },
        }
    }

    /// Opens one.
    pub(super) async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failed> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        // Frames are gathered here already; waiting for more would only delay them.
        tcp.set_nodelay(true);
        let stream = match &self.proxy {
            None => tcp.oneshot(self.uri.clone()).await.map_err(failed)?,
            Some(proxy) if self.is_secure() => {
                let tunnel = Tunnel::new(proxy.uri().clone(), tcp);
                let tunnel = match proxy.basic_auth() {
                    Some(auth) => tunnel.with_auth(auth.clone()),
                    None => tunnel,
                };
                tunnel.oneshot(self.uri.clone()).await.map_err(failed)?
            }
            Some(proxy) => tcp.oneshot(proxy.uri().clone()).await.map_err(failed)?,
        };
        let stream = stream.into_inner();
        #[cfg(feature = "tls")]
        if self.is_secure() {
            let secured = self.trust.connect(&self.address, stream).await;
            let refused = |error: Error| Failed::of(error.kind(), error.detail().to_owned());
            return handshake(secured.map_err(refused)?).await;
        }
        handshake(stream).await
    }

    fn is_secure(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }
}

async fn handshake<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, Failed>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let opened = http1::handshake(TokioIo::new(stream)).await;
    let (requests, connection) = opened.map_err(|error| Failed::new(chain(&error)))?;
    // It ends when nobody makes requests any more, who also learns of its errors.
    runtime::spawn(async move {
        let _ = connection.await;
    });
    Ok(requests)
}

fn failed(error: impl std::error::Error) -> Failed {
    Failed::new(format!("cannot connect: {}", chain(&error)))
}

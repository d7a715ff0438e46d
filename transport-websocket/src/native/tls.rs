use std::io;
use std::sync::{Arc, OnceLock};

use choreo_core::{Address, Error, ErrorKind, Result};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

/// Whom to trust: the system's authorities, and more.
#[derive(Clone, Default)]
pub(crate) struct Trust {
    more: Vec<CertificateDer<'static>>,
    /// Made for the first connection, and kept: the next ones resume its TLS session.
    config: OnceLock<Arc<ClientConfig>>,
}

impl Trust {
    pub(crate) fn add(&mut self, certificate: Vec<u8>) -> Result<()> {
        let certificate = CertificateDer::from(certificate);
        let added = RootCertStore::empty().add(certificate.clone());
        added.map_err(|error| {
            let detail = "this is not a certificate in DER form";
            Error::new(ErrorKind::Config, detail).with_source(error)
        })?;
        self.more.push(certificate);
        self.config = OnceLock::new();
        Ok(())
    }

    pub(crate) async fn connect(
        &self,
        address: &Address,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(address.host().to_owned()).map_err(|error| {
            let detail = format!("{address}: the host is not a valid name");
            Error::new(ErrorKind::Config, detail).with_source(error)
        })?;
        let config = match self.config.get() {
            Some(config) => config,
            None => {
                let config = Arc::new(self.new_config(address)?);
                self.config.get_or_init(|| config)
            }
        };
        let connector = TlsConnector::from(config.clone());
        let connected = connector.connect(name, stream).await;
        connected.map_err(|error| refused(address, error))
    }

    fn new_config(&self, address: &Address) -> Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(self.more.iter().cloned());
        if roots.is_empty() {
            let detail = "no certificate is trusted: the system has none (its package is often \
                          called ca-certificates), and `WebSocketConnector::trust` has named none";
            return Err(Error::new(ErrorKind::Config, detail).context(address.to_string()));
        }
        // The application's choice where it has made one.
        let provider = CryptoProvider::get_default().cloned();
        let provider = provider.unwrap_or_else(|| Arc::new(ring::default_provider()));
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| {
            let detail = format!("{address}: TLS cannot be set up");
            Error::new(ErrorKind::Config, detail).with_source(error)
        })?;
        Ok(config.with_root_certificates(roots).with_no_client_auth())
    }
}

/// A certificate that is not trusted will not be trusted a second later; anything else may pass.
fn refused(address: &Address, error: io::Error) -> Error {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    let untrusted = matches!(cause, Some(rustls::Error::InvalidCertificate(_)));
    let (kind, what) = if untrusted {
        let what =
            "the server's certificate is not trusted (`WebSocketConnector::trust` adds one's own)";
        (ErrorKind::Config, what)
    } else {
        (
            ErrorKind::Transport,
            "the server was reached, but not by TLS",
        )
    };
    let detail = format!("{address}: {what}: {error}");
    Error::new(kind, detail).with_source(error)
}

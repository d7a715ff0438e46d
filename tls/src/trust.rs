use std::io;
use std::sync::{Arc, OnceLock};

use choreo_core::{Address, Error, ErrorKind, Result};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

/// Whom to trust: the system's authorities, and more.
///
/// Clones trust the same, and resume the same TLS sessions.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    more: Vec<CertificateDer<'static>>,
    /// Made for the first connection, and kept: the next ones resume its TLS session.
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl Trust {
    /// Trusts a certificate besides those that the system trusts: one's own authority, or a
    /// self-signed one. In DER form.
    ///
    /// # Errors
    /// `Config` if it is no certificate.
    pub fn add(&mut self, certificate: impl Into<Vec<u8>>) -> Result<()> {
        let certificate = CertificateDer::from(certificate.into());
        let added = RootCertStore::empty().add(certificate.clone());
        added.map_err(|error| {
            let detail = "this is not a certificate in DER form";
            Error::new(ErrorKind::Config, detail).with_source(error)
        })?;
        self.more.push(certificate);
        self.config = Arc::default();
        Ok(())
    }

    /// Goes on by TLS on a connection that was opened to that address.
    ///
    /// # Errors
    /// `Config` if the certificate is not trusted or is another host's, or if no certificate at all
    /// is trusted: that will be so in a second, too. `Transport` if something else goes wrong. The
    /// caller adds the address.
    ///
    /// # Cancel safety
    /// The connection is closed.
    pub async fn connect<S>(&self, address: &Address, stream: S) -> Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(address.host().to_owned()).map_err(|error| {
            let detail = format!("`{}` is no valid name of a host", address.host());
            Error::new(ErrorKind::Config, detail).with_source(error)
        })?;
        let config = match self.config.get() {
            Some(config) => config,
            None => {
                let config = Arc::new(self.new_config()?);
                self.config.get_or_init(|| config)
            }
        };
        let connector = TlsConnector::from(config.clone());
        let connected = connector.connect(name, stream).await;
        connected.map_err(refused)
    }

    fn new_config(&self) -> Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(self.more.iter().cloned());
        if roots.is_empty() {
            let detail = "no certificate is trusted: the system has none (its package is often \
                          called ca-certificates), and the connector's `trust` has named none";
            return Err(Error::new(ErrorKind::Config, detail));
        }
        // The application's choice where it has made one.
        let provider = CryptoProvider::get_default().cloned();
        let provider = provider.unwrap_or_else(|| Arc::new(ring::default_provider()));
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| {
            Error::new(ErrorKind::Config, "TLS cannot be set up").with_source(error)
        })?;
        Ok(config.with_root_certificates(roots).with_no_client_auth())
    }
}

/// A certificate that is not trusted will not be trusted a second later; anything else may pass.
fn refused(error: io::Error) -> Error {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    let untrusted = matches!(cause, Some(rustls::Error::InvalidCertificate(_)));
    let (kind, what) = if untrusted {
        let what =
            "the server's certificate is not trusted (the connector's `trust` adds one's own)";
        (ErrorKind::Config, what)
    } else {
        (
            ErrorKind::Transport,
            "the server was reached, but not by TLS",
        )
    };
    let detail = format!("{what}: {error}");
    Error::new(kind, detail).with_source(error)
}

use std::sync::Arc;

use choreo_core::{Address, Error, ErrorKind, Result};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Whom to trust: the system's authorities, and more.
#[derive(Clone, Default)]
pub(crate) struct Trust {
    more: Vec<CertificateDer<'static>>,
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
        Ok(())
    }

    /// For connections to that address; plain ones trust nobody, and need not.
    pub(crate) fn config(&self, address: &Address) -> Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        if address.scheme() == "https" {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        roots.add_parsable_certificates(self.more.iter().cloned());
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

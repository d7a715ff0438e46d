//! `wss://` both ways, with certificates that are trusted and others that are not.
#![cfg(not(target_arch = "wasm32"))]

use std::sync::Arc;

use choreo_core::{Bytes, Error, ErrorKind, Result, Transport};
use choreo_transport_websocket::{WebSocketAcceptor, WebSocketConnector, WebSocketTransport};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A server for one connection that proves to be this host; gives its port and its certificate.
async fn server(host: &str) -> (u16, Vec<u8>) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([host.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await?;
        let stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await?;
        let transport = WebSocketAcceptor::new().accept(stream).await?;
        while let Some(frame) = transport.recv().await? {
            transport.send(frame).await?;
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    });
    (port, cert.der().to_vec())
}

fn connector(host: &str, port: u16) -> WebSocketConnector {
    WebSocketConnector::new(format!("wss://{host}:{port}/")).unwrap()
}

async fn refused(opened: impl Future<Output = Result<WebSocketTransport>>) -> Error {
    let error = opened.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.to_string().contains("not trusted"), "{error}");
    error
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_trusted_once_it_is_named() {
    for host in ["localhost", "127.0.0.1"] {
        let (port, certificate) = server(host).await;
        let connector = connector(host, port).trust(certificate).unwrap();
        let transport = connector.open().await.unwrap();
        // More than a TLS record, so that there are several for one frame.
        let sent = Bytes::from(vec![7; 60_000]);
        transport.send(sent.clone()).await.unwrap();
        assert_eq!(transport.recv().await.unwrap(), Some(sent));
        transport.close().await.unwrap();
        assert_eq!(transport.recv().await.unwrap(), None);
    }
}

#[tokio::test]
async fn another_certificate_is_not() {
    let (port, _) = server("localhost").await;
    refused(connector("localhost", port).open()).await;
    let (port, _) = server("localhost").await;
    let (_, other) = server("localhost").await;
    refused(connector("localhost", port).trust(other).unwrap().open()).await;
}

#[tokio::test]
async fn a_certificate_for_another_host_is_not() {
    let (port, certificate) = server("example.org").await;
    let connector = connector("localhost", port).trust(certificate).unwrap();
    let error = refused(connector.open()).await;
    assert!(error.to_string().contains("localhost"), "{error}");
}

#[tokio::test]
async fn a_server_without_tls_is_an_error_of_the_transport() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let accept = async {
        let (stream, _) = listener.accept().await.unwrap();
        WebSocketAcceptor::new().accept(stream).await
    };
    let connector = connector("localhost", port);
    let (opened, accepted) = futures::join!(connector.open(), accept);
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::Transport);
    assert_eq!(accepted.unwrap_err().kind(), ErrorKind::Transport);
}

#[test]
fn what_is_no_certificate_is_refused_at_once() {
    let error = connector("localhost", 1)
        .trust(*b"no certificate")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

//! `https://`, with certificates that are trusted and others that are not.
#![cfg(not(target_arch = "wasm32"))]

mod peer;
mod secure;

use choreo_core::{Bytes, Error, ErrorKind, Result, Transport};
use choreo_transport_fetch::{FetchConnector, FetchTransport};
use secure::Secure;

fn connector(host: &str, server: &Secure) -> FetchConnector {
    let port = server.address.port();
    FetchConnector::new(format!("https://{host}:{port}/echo")).unwrap()
}

async fn refused(opened: impl Future<Output = Result<FetchTransport>>) -> Error {
    let error = opened.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.to_string().contains("not trusted"), "{error}");
    error
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_trusted_once_it_is_named() {
    for host in ["localhost", "127.0.0.1"] {
        let server = Secure::start(host).await;
        let connector = connector(host, &server);
        let connector = connector.trust(server.certificate.clone()).unwrap();
        for connector in [connector.clone(), connector.long_polls()] {
            let transport = connector.open().await.unwrap();
            // More than a TLS record, so that there are several for one frame.
            let sent = Bytes::from(vec![7; 60_000]);
            transport.send(sent.clone()).await.unwrap();
            assert_eq!(transport.recv().await.unwrap(), Some(sent));
            transport.close().await.unwrap();
            assert_eq!(transport.recv().await.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn another_certificate_is_not() {
    let server = Secure::start("localhost").await;
    refused(connector("localhost", &server).open()).await;
    let other = Secure::start("localhost").await.certificate;
    let connector = connector("localhost", &server).trust(other).unwrap();
    refused(connector.open()).await;
}

#[tokio::test]
async fn a_certificate_for_another_host_is_not() {
    let server = Secure::start("example.org").await;
    let connector = connector("localhost", &server);
    let connector = connector.trust(server.certificate.clone()).unwrap();
    let error = refused(connector.open()).await;
    assert!(error.to_string().contains("localhost"), "{error}");
}

#[tokio::test]
async fn a_server_without_tls_is_an_error_of_the_transport() {
    let plain = secure::plain().await;
    let connector = FetchConnector::new(format!("https://{plain}/echo")).unwrap();
    let error = connector.open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
    assert!(error.to_string().contains("not by TLS"), "{error}");
}

#[test]
fn what_is_no_certificate_is_refused_at_once() {
    let connector = FetchConnector::new("https://localhost").unwrap();
    let error = connector.trust(*b"no certificate").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

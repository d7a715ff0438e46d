//! The program speaks TLS.
#![cfg(all(feature = "cli", feature = "tls"))]

mod common;

use choreo_core::{Connect, ErrorKind, Transport};
use choreo_session::{Session, SessionConfig};
use choreo_transport_fetch::FetchConnector;
use choreo_transport_websocket::WebSocketConnector;
use common::{LONG, PROGRAM};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::time::timeout;

#[tokio::test]
async fn a_role_by_websocket_and_one_by_requests_talk_over_tls_and_plain_text_is_refused() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = std::env::temp_dir().join(format!("choreo-relay-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let certificate = file("cert.pem", cert.pem());
    let key = file("key.pem", signing_key.serialize_pem());
    let args = [
        "--open",
        "--listen",
        "127.0.0.1:0",
        "--tls-cert",
        &certificate,
    ];
    let relay = PROGRAM
        .start(&[&args[..], &["--tls-key", &key]].concat())
        .await;
    std::fs::remove_dir_all(&folder).unwrap();

    let port = relay.address.port();
    let certificate = cert.der().to_vec();
    let socket = WebSocketConnector::new(format!("wss://localhost:{port}")).unwrap();
    let socket = socket.trust(certificate.clone()).unwrap();
    let requests = FetchConnector::new(format!("https://localhost:{port}")).unwrap();
    let trusting = requests.clone().trust(certificate).unwrap();
    let (alice, bob) = futures::join!(
        Session::join(socket, SessionConfig::new("s", "Alice", ["Bob"])),
        Session::join(trusting, SessionConfig::new("s", "Bob", ["Alice"])),
    );
    let (alice, bob) = (alice.unwrap(), bob.unwrap());
    let (to_bob, to_alice) = (alice.peer(&"Bob").unwrap(), bob.peer(&"Alice").unwrap());
    for (from, to) in [(&to_bob, &to_alice), (&to_alice, &to_bob)] {
        from.send("hello".into()).await.unwrap();
        let message = timeout(LONG, to.recv()).await;
        assert_eq!(message.unwrap().unwrap(), Some("hello".into()));
    }

    let plain = WebSocketConnector::new(format!("ws://{}", relay.address)).unwrap();
    assert!(plain.connect().await.is_err());
    let plain = FetchConnector::new(format!("http://{}", relay.address)).unwrap();
    assert!(plain.connect().await.is_err());
    let error = requests.open().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
}

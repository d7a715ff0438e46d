//! The program speaks TLS.
#![cfg(all(feature = "cli", feature = "tls"))]

mod common;

use choreo_core::{Connect, Transport};
use choreo_session::{Session, SessionConfig};
use choreo_transport_websocket::WebSocketConnector;
use common::{LONG, PROGRAM};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::time::timeout;

#[tokio::test]
async fn two_roles_talk_over_tls_and_plain_text_is_refused() {
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

    let url = format!("wss://localhost:{}", relay.address.port());
    let connector = WebSocketConnector::new(url).unwrap();
    let connector = connector.trust(cert.der().to_vec()).unwrap();
    let join = async |role: &'static str, peer: &'static str| {
        let config = SessionConfig::new("s", role, [peer]);
        Session::join(connector.clone(), config).await.unwrap()
    };
    let (alice, bob) = futures::join!(join("Alice", "Bob"), join("Bob", "Alice"));
    alice
        .peer(&"Bob")
        .unwrap()
        .send("hello".into())
        .await
        .unwrap();
    let message = timeout(LONG, bob.peer(&"Alice").unwrap().recv()).await;
    assert_eq!(message.unwrap().unwrap(), Some("hello".into()));

    let plain = WebSocketConnector::new(format!("ws://{}", relay.address)).unwrap();
    assert!(plain.connect().await.is_err());
}

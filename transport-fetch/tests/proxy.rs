//! A proxy that the environment names is used: each test runs in a process of its own, that has it in
//! its environment.
#![cfg(not(target_arch = "wasm32"))]

mod peer;
mod secure;

use std::env::{current_exe, var};
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use choreo_core::{Bytes, ErrorKind, Result, Transport};
use choreo_transport_fetch::FetchConnector;
use secure::Secure;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

/// Where the other process connects to, and a file with whom it trusts.
const ADDRESS: &str = "CHOREO_TEST_ADDRESS";
const CERTIFICATE: &str = "CHOREO_TEST_CERTIFICATE";

/// What the proxy was asked for: the first lines of requests, and what they say of who asks.
type Asked = Arc<Mutex<Vec<String>>>;

/// Tunnels to where `CONNECT` says, and else passes requests on as they are.
async fn proxy() -> (SocketAddr, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Asked::default();
    let log = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await?;
            let log = log.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    head.push(client.read_u8().await?);
                }
                let text = String::from_utf8_lossy(&head).into_owned();
                let mut words = text.split(' ');
                let (method, target) = (words.next().unwrap(), words.next().unwrap());
                let host = target.trim_start_matches("http://");
                let host = host.split('/').next().unwrap().to_owned();
                let who = text.lines().find(|line| line.starts_with("proxy-auth"));
                let who = who.unwrap_or_default();
                log.lock().unwrap().push(format!("{method} {target} {who}"));
                let mut server = TcpStream::connect(host).await?;
                if method == "CONNECT" {
                    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                } else {
                    server.write_all(&head).await?;
                }
                copy_bidirectional(&mut client, &mut server).await
            });
        }
        #[expect(unreachable_code, reason = "it tells the type")]
        std::io::Result::Ok(())
    });
    (address, asked)
}

/// Runs the other process, and gives what it prints.
async fn connect(variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(current_exe().unwrap());
    command.args(["--ignored", "--exact", "a_process_that_connects"]);
    command.arg("--nocapture");
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.envs(variables.iter().copied());
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
#[ignore = "run by the others, in a process of its own"]
async fn a_process_that_connects() {
    let connect = async || -> Result<Bytes> {
        let mut connector = FetchConnector::new(var(ADDRESS).unwrap())?;
        if let Ok(certificate) = var(CERTIFICATE) {
            connector = connector.trust(std::fs::read(certificate).unwrap())?;
        }
        let transport = connector.open().await?;
        transport.send(Bytes::from_static(b"hello")).await?;
        Ok(transport.recv().await?.unwrap_or_default())
    };
    match connect().await {
        Ok(bytes) => println!("received {bytes:?}"),
        Err(error) => println!("{:?} {error}", error.kind()),
    }
}

#[tokio::test]
async fn requests_go_by_the_proxy() {
    let (server, (proxy, asked)) = (secure::plain().await, proxy().await);
    let address = format!("http://{server}/echo?seat=1");
    let proxy = format!("http://user:secret@{proxy}");
    // In lower case, too: the other way of writing is ignored where a server may have set it.
    for variable in ["HTTP_PROXY", "http_proxy"] {
        let output = connect(&[(ADDRESS, &address), (variable, &proxy)]).await;
        assert!(output.contains("received b\"hello\""), "{output}");
        // On two connections, or on one after the other.
        let asked = std::mem::take(&mut *asked.lock().unwrap());
        assert!(!asked.is_empty(), "{variable} is not heeded");
        for request in asked {
            assert!(request.contains(&address), "{request}");
            let who = "proxy-authorization: Basic dXNlcjpzZWNyZXQ=";
            assert!(request.ends_with(who), "{request}");
        }
    }
}

#[tokio::test]
async fn tls_goes_through_the_proxy_unseen() {
    let (server, (proxy, asked)) = (Secure::start("127.0.0.1").await, proxy().await);
    let file = std::env::temp_dir().join(format!("choreo-fetch-{}.der", std::process::id()));
    std::fs::write(&file, &server.certificate).unwrap();
    let output = connect(&[
        (ADDRESS, &format!("https://{}/echo", server.address)),
        (CERTIFICATE, file.to_str().unwrap()),
        ("HTTPS_PROXY", &format!("http://{proxy}")),
    ])
    .await;
    std::fs::remove_file(file).unwrap();
    assert!(output.contains("received b\"hello\""), "{output}");
    let asked = asked.lock().unwrap();
    let tunnel = format!("CONNECT {} ", server.address);
    assert!(asked.iter().all(|request| *request == tunnel), "{asked:?}");
    assert!(
        (1..=2).contains(&asked.len()),
        "at most one for each way: {asked:?}"
    );
}

#[tokio::test]
async fn hosts_may_be_left_out() {
    let (server, (proxy, asked)) = (secure::plain().await, proxy().await);
    let output = connect(&[
        (ADDRESS, &format!("http://{server}/echo")),
        ("HTTP_PROXY", &format!("http://{proxy}")),
        ("NO_PROXY", "127.0.0.1"),
    ])
    .await;
    assert!(output.contains("received b\"hello\""), "{output}");
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_proxy_of_another_kind_is_named() {
    let output = connect(&[
        (ADDRESS, "http://127.0.0.1:1/"),
        ("ALL_PROXY", "socks5://user:secret@127.0.0.1:1"),
    ])
    .await;
    let kind = format!("{:?} ", ErrorKind::Config);
    assert!(output.contains(&kind), "{output}");
    assert!(output.contains("socks5://"), "{output}");
    assert!(!output.contains("secret"), "{output}");
}

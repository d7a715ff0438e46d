//! The program: keys, tokens, restarts, signals, logs, and its memory under attack.
#![cfg(feature = "cli")]

mod common;

use std::time::Duration;

use choreo_chaos::{Keys, Process};
use choreo_core::{Bytes, Transport};
use choreo_session::wire::{Code, Frame, Kind};
use choreo_session::{Session, SessionConfig};
use common::{Client, LONG, PROGRAM, ask, data, hello, hello_frame, session};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

const OPEN: &[&str] = &["--open", "--listen", "127.0.0.1:0"];

async fn join(
    url: &str,
    keys: &Keys<'_>,
    name: &str,
    role: &'static str,
    peer: &'static str,
) -> Session {
    let token = keys.token(name, role).await;
    session(
        url,
        SessionConfig::new(name, role, [peer]).with_token(token),
    )
    .await
}

/// A message there, and one back.
async fn talk(alice: &Session, bob: &Session, message: &'static str) {
    let (to_bob, to_alice) = (alice.peer(&"Bob").unwrap(), bob.peer(&"Alice").unwrap());
    let message = Bytes::from(message);
    let talk = async {
        to_bob.send(message.clone()).await.unwrap();
        assert_eq!(to_alice.recv().await.unwrap().as_ref(), Some(&message));
        to_alice.send(message.clone()).await.unwrap();
        assert_eq!(to_bob.recv().await.unwrap().as_ref(), Some(&message));
    };
    let talk = timeout(LONG, talk).await;
    assert!(talk.is_ok(), "{:?} {:?}", alice.status(), bob.status());
}

/// Two roles that are in, without tokens, from an address of their own.
async fn pair(relay: &Process) -> (Client, Client) {
    let mut clients = Vec::new();
    for (role, peer) in [("Alice", "Bob"), ("Bob", "Alice")] {
        let mut client = Client::dial_from("127.0.0.2", relay.address).await;
        client.hello(&hello("quiet", role, &[peer])).await;
        client.welcome().await;
        clients.push(client);
    }
    let bob = clients.pop().unwrap();
    (clients.pop().unwrap(), bob)
}

async fn hear((alice, bob): &mut (Client, Client), number: u64) {
    let frame = data(1, number, "hello");
    alice.send(&frame).await;
    assert_eq!(bob.frame().await, frame);
}

#[tokio::test]
async fn sessions_outlive_a_restart_with_the_same_key_file() {
    let keys = PROGRAM.make_keys().await;
    let file = ["--key-file", keys.path()];
    let relay = PROGRAM
        .start(&[&file[..], &["--listen", "127.0.0.1:0"]].concat())
        .await;
    let address = relay.address.to_string();
    let alice = join(&relay.url(), &keys, "s", "Alice", "Bob").await;
    let bob = join(&relay.url(), &keys, "s", "Bob", "Alice").await;
    talk(&alice, &bob, "before").await;
    relay.kill().await;
    alice
        .peer(&"Bob")
        .unwrap()
        .send("meanwhile".into())
        .await
        .unwrap();
    let relay = PROGRAM
        .start(&[&file[..], &["--listen", &address]].concat())
        .await;
    let message = timeout(LONG, bob.peer(&"Alice").unwrap().recv()).await;
    assert_eq!(message.unwrap().unwrap(), Some("meanwhile".into()));
    talk(&alice, &bob, "after").await;
    assert_eq!(relay.address.to_string(), address);
    futures::try_join!(alice.close(), bob.close()).unwrap();
}

#[tokio::test]
async fn sessions_are_lost_with_another_key_file_and_say_so() {
    let (keys, others) = (PROGRAM.make_keys().await, PROGRAM.make_keys().await);
    let relay = PROGRAM
        .start(&["--key-file", keys.path(), "--listen", "127.0.0.1:0"])
        .await;
    let address = relay.address.to_string();
    let alice = join(&relay.url(), &keys, "s", "Alice", "Bob").await;
    relay.kill().await;
    let _relay = PROGRAM
        .start(&["--key-file", others.path(), "--listen", &address])
        .await;
    let error = timeout(LONG, alice.peer(&"Bob").unwrap().recv())
        .await
        .unwrap()
        .unwrap_err();
    assert!(
        error.report().contains("the proof is wrong"),
        "{}",
        error.report()
    );
}

#[tokio::test]
async fn a_signal_drains_it() {
    let mut relay = PROGRAM.start(&[OPEN, &["--drain", "300ms"]].concat()).await;
    let mut pair = pair(&relay).await;
    hear(&mut pair, 1).await;
    let (well, goaway) = futures::join!(relay.terminate(), pair.0.frame());
    assert!(well);
    assert_eq!((goaway.kind, goaway.seq), (Kind::GoAway, 300));
    assert_eq!(pair.0.ended().await.close, Some(1000));
}

#[tokio::test]
async fn a_key_file_is_its_owners_and_is_never_overwritten() {
    let keys = PROGRAM.make_keys().await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(keys.file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let before = std::fs::read(keys.file()).unwrap();
    let (well, text) = PROGRAM.run(&["key", keys.path()]).await;
    assert!(!well && text.contains("exists"), "{text}");
    assert_eq!(std::fs::read(keys.file()).unwrap(), before);
}

#[tokio::test]
async fn what_is_wrong_on_the_command_line_is_said() {
    for (args, expected) in [
        (&[][..], "--key-file"),
        (&["--open", "--listen", "0.0.0.0:0"], "own address only"),
        (&["--open", "--listen", "[::]:0"], "own address only"),
        (&["--key-file", "/nowhere"], "/nowhere cannot be read"),
        (&["--listen", "localhost"], "as 127.0.0.1:9000"),
        (
            &[
                "token",
                "--key-file",
                "/nowhere",
                "--session",
                "s",
                "--role",
                "r",
            ],
            "/nowhere",
        ),
    ] {
        let (well, text) = PROGRAM.run(args).await;
        assert!(!well && text.contains(expected), "{args:?}: {text}");
    }
    let keys = PROGRAM.make_keys().await;
    let args = [
        "token",
        "--key-file",
        keys.path(),
        "--session",
        "a\nb",
        "--role",
        "r",
    ];
    let (well, text) = PROGRAM.run(&args).await;
    assert!(!well && text.contains("control characters"), "{text}");
    let (well, text) = PROGRAM.run(&["--help"]).await;
    assert!(well && text.contains("--allow-origin"), "{text}");
}

#[tokio::test]
async fn nothing_secret_is_logged() {
    let keys = PROGRAM.make_keys().await;
    for format in ["text", "json"] {
        let file = ["--key-file", keys.path(), "--listen", "127.0.0.1:0"];
        let args = [&file[..], &["--log", format]].concat();
        let mut relay = PROGRAM.start_with_log("trace", &args).await;
        let tokens = [keys.token("s", "Alice").await, keys.token("s", "Bob").await];
        let mut sessions = Vec::new();
        for (token, (role, peer)) in tokens.iter().zip([("Alice", "Bob"), ("Bob", "Alice")]) {
            let config = SessionConfig::new("s", role, [peer]).with_token(token.as_str());
            sessions.push(session(&relay.url(), config).await);
        }
        talk(&sessions[0], &sessions[1], "the-payload").await;
        sessions[0].reconnect();
        talk(&sessions[0], &sessions[1], "the-payload").await;
        // Tokens that are refused, and names that would forge a line.
        for (session, role, token) in [
            ("s", "Carol", tokens[0].as_str()),
            ("s", "Carol", "v4.public.bm90LWEtdG9rZW4"),
            ("s\nforged", "\u{1b}[31mCarol", "x"),
        ] {
            let mut hello = hello(session, role, &["Bob"]);
            hello.token = Some(token.to_owned());
            let mut client = Client::dial(relay.address).await;
            client.hello(&hello).await;
            assert!(client.ended().await.abort.is_some());
        }
        drop(sessions);
        assert!(relay.terminate().await);
        let log = relay.log();
        for told in ["joined", "resumed", "Alice", "not let in", "4403"] {
            assert!(log.contains(told), "{told}: {log}");
        }
        let key_file = std::fs::read_to_string(keys.file()).unwrap();
        let secrets = key_file
            .lines()
            .filter(|line| line.starts_with("k4."))
            .map(|line| &line[10..]);
        let secrets = secrets.chain(tokens.iter().map(|token| &token[10..40]));
        for secret in secrets.chain(["the-payload", "bm90LWEtdG9rZW4", "\nforged", "\u{1b}"]) {
            assert!(!log.contains(secret), "{format}: {secret:?}\n{log}");
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_that_never_finish_the_handshake_are_bounded_and_disturb_nobody() {
    let relay = PROGRAM.start(OPEN).await;
    let mut quiet = pair(&relay).await;
    let before = relay.memory();
    let attack = async {
        let mut attackers = Vec::new();
        for number in 0..2_000 {
            let stream = TcpStream::connect(relay.address).await;
            let Ok(mut stream) = stream else { continue };
            // Some say nothing, some stop within the request, some within the HELLO.
            let begun = match number % 3 {
                0 => Ok(()),
                1 => {
                    stream
                        .write_all(b"GET / HTTP/1.1\r\nhost: relay\r\nx: ")
                        .await
                }
                _ => {
                    let client = Client::over(stream, relay.address, &[]).await;
                    if let Ok(mut client) = client {
                        let bytes = hello_frame(&hello("s", "Alice", &["Bob"])).to_bytes();
                        let header = [0x02, 0x80 | 20, 0, 0, 0, 0];
                        let stream = client.socket.get_mut();
                        let _ = stream.write_all(&header).await;
                        let _ = stream.write_all(&bytes[..20]).await;
                        attackers.push(client.socket.into_inner());
                    }
                    continue;
                }
            };
            if begun.is_ok() {
                attackers.push(stream);
            }
        }
        attackers
    };
    let others = async {
        for number in 1..100 {
            hear(&mut quiet, number).await;
            sleep(Duration::from_millis(5)).await;
        }
    };
    let (mut attackers, ()) = futures::join!(attack, others);
    let metrics = get_from("127.0.0.2", &relay).await;
    let connections = metric(&metrics, "choreo_relay_connections ");
    assert!(connections <= 259.0, "{connections} connections");
    assert!(
        metric(&metrics, r#"choreo_relay_refused_total{code="4429"}"#) > 1_000.0,
        "{metrics}"
    );
    let grown = relay.memory().saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB more");
    // Newcomers from elsewhere are let in, and hear each other.
    let mut newcomer = Client::dial_from("127.0.0.3", relay.address).await;
    newcomer.hello(&hello("other", "Alice", &["Bob"])).await;
    newcomer.welcome().await;
    // All are closed in the end.
    let closed = async {
        for attacker in &mut attackers {
            let mut bytes = [0; 1024];
            while let Ok(1..) = attacker.read(&mut bytes).await {}
        }
    };
    timeout(LONG, closed).await.expect("the relay closes them");
    hear(&mut quiet, 100).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_never_reads_is_bounded_and_disturbs_nobody() {
    const MIB: usize = 1 << 20;
    let relay = PROGRAM.start(OPEN).await;
    let mut quiet = pair(&relay).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(relay.address).await.unwrap();
    let mut deaf = Client::over(stream, relay.address, &[]).await.unwrap();
    deaf.hello(&hello("noisy", "Deaf", &["Flood"])).await;
    deaf.welcome().await;
    let mut flood = Client::dial(relay.address).await;
    flood.hello(&hello("noisy", "Flood", &["Deaf"])).await;
    flood.welcome().await;
    let before = relay.memory();
    let attack = async {
        for number in 0..100 * MIB / 60_000 {
            flood.send(&data(1, number as u64, vec![0; 60_000])).await;
            if number % 100 == 0 {
                // The relay takes all of it, whether it has room or not.
                flood.send(&Frame::new(Kind::Ping, 0)).await;
                while flood.frame().await.kind != Kind::Pong {}
            }
        }
    };
    let others = async {
        for number in 1..100 {
            hear(&mut quiet, number).await;
            sleep(Duration::from_millis(5)).await;
        }
    };
    let attack = timeout(LONG, attack);
    let (attack, ()) = futures::join!(attack, others);
    attack.expect("a flood is taken");
    let metrics = get_from("127.0.0.2", &relay).await;
    assert!(
        metric(&metrics, r#"choreo_relay_frames_dropped_total{why="full"}"#) > 500.0,
        "{metrics}"
    );
    assert!(
        metric(&metrics, "choreo_relay_queued_bytes ") <= MIB as f64,
        "{metrics}"
    );
    let grown = relay.memory().saturating_sub(before);
    assert!(grown < 16 * 1024, "{grown} KiB more");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_reader_that_stays_deaf_is_disconnected() {
    use choreo_relay::RelayConfig;
    let config = RelayConfig::default().with_stall(Duration::from_millis(300));
    let mut terms = config.terms;
    terms.ping_interval = Duration::from_millis(100);
    let server = common::Server::start(choreo_session::Anyone, config.with_terms(terms)).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(server.address).await.unwrap();
    let mut deaf = Client::over(stream, server.address, &[]).await.unwrap();
    deaf.hello(&hello("s", "Deaf", &["Flood"])).await;
    deaf.welcome().await;
    let mut flood = server.join("s", "Flood", &["Deaf"]).await;
    let closed = r#"choreo_relay_closed_total{code="4429"}"#;
    let attack = async {
        let mut number = 0;
        while server.metric(closed).await < 1.0 {
            for _ in 0..100 {
                number += 1;
                flood.send(&data(1, number, vec![0; 60_000])).await;
            }
        }
    };
    timeout(LONG, attack).await.expect("it is disconnected");
    flood.send(&ask(1)).await;
    flood.send(&Frame::new(Kind::Ping, 0)).await;
    while flood.frame().await.kind != Kind::Pong {}
    assert_eq!(Code::Quota.number(), 4429);
}

/// What the metrics are, asked from another address.
async fn get_from(from: &str, relay: &Process) -> String {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let mut stream = socket.connect(relay.address).await.unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: relay\r\n\r\n")
        .await
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

fn metric(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0.0, |value| value.trim().parse().unwrap())
}

//! Protocols over stacks: in one process, and in several over a relay.

mod common;

use std::time::Duration;

use choreo_relay::{Claims, KeyFile, Relay, RelayConfig};
use common::{LONG, Scratch, choreo, command, end, refused, sample, well};
#[cfg(unix)]
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::process::Child;
use tokio::process::Command;
#[cfg(unix)]
use tokio::sync::mpsc;
use tokio::time::timeout;

/// A relay that asks for tokens, and its address.
async fn relay(keys: &KeyFile) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let config = RelayConfig::default().with_master(keys.master());
    let relay = Relay::new(keys.tokens(), config).expect("the terms are kept");
    tokio::spawn(async move { relay.listen(listener).await });
    format!("ws://{address}")
}

/// A command that plays a role of ping-pong at the relay, with a token.
fn player(keys: &KeyFile, url: &str, role: &str, more: &[&str]) -> (Command, String) {
    let token = keys.token(&Claims::new("demo", role), Duration::from_secs(600));
    let token = token.expect("the file has the secret key");
    let file = sample(&format!("{}.toml", role.to_lowercase()));
    let set = format!("transport.url={url}");
    let words = ["run", "ping-pong", "--stack", &file, "--set", &set];
    let mut command = command(&[&words, more].concat());
    command
        .env("CHOREO_HANDLER__TOKEN__ENV", "TICKET")
        .env("TICKET", &token);
    // All that there is to be told.
    command.env("RUST_LOG", "trace");
    (command, token)
}

#[tokio::test]
async fn protocols_are_listed() {
    let list = well(choreo(&["run", "--list"]).await);
    let roles: Vec<Vec<&str>> = list
        .lines()
        .map(|line| line.split("  ").collect())
        .collect();
    assert_eq!(roles.len(), 3, "{list}");
    assert!(list.contains("ping-pong       Alice, Bob"), "{list}");
    let told = refused(choreo(&["run", "chess"]).await, 2);
    assert!(
        told.contains("'chess'") && told.contains("<ping-pong|bookshop|scatter-gather>"),
        "{told}"
    );
}

#[tokio::test]
async fn two_files_in_one_process() {
    let file = |role: &str| format!("role = \"{role}\"\nhandler.use = \"inmemory\"");
    let (alice, bob) = (
        Scratch::new("toml", &file("Alice")),
        Scratch::new("toml", &file("Bob")),
    );
    let words = [
        "run",
        "ping-pong",
        "--rounds",
        "2",
        "--text",
        "hi",
        "--diagram",
    ];
    let stacks = ["--stack", alice.path(), "--stack", bob.path()];
    let played = well(choreo(&[&words[..], &stacks].concat()).await);
    assert!(
        played.contains("Alice: said \"hi\", and heard it: 2 times\n"),
        "{played}"
    );
    assert!(
        played.contains("Bob: said what he had heard: 2 times\n"),
        "{played}"
    );
    let (_, diagram) = played
        .split_once("sequenceDiagram\n")
        .expect("it is asked for");
    assert_eq!(diagram.matches("p0->>p1: Ping").count(), 2, "{diagram}");
}

#[tokio::test]
async fn one_file_for_all_roles() {
    let file = sample("memory.toml");
    let play = async |protocol: &str, roles: &str, more: &[&str]| {
        let words = ["run", protocol, "--stack", &file, "--role", roles];
        let played = well(choreo(&[&words, more].concat()).await);
        let mut lines: Vec<String> = played.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(
        play("bookshop", "Ann,Ben,Shop", &[]).await,
        [
            "Ann: has a book for 12 of 20 coins",
            "Ben: gives 8 of 20 coins, and waits 3 days",
            "Shop: sends \"Faust\" to Elm Street 5",
        ]
    );
    assert_eq!(
        play("bookshop", "Ann,Ben,Shop", &["--title", "Ulysses"]).await,
        [
            "Ann: 35 coins were too many",
            "Ben: would have had to give 23 of 35 coins",
            "Shop: keeps \"Ulysses\"",
        ]
    );
    let unknown = play("bookshop", "Ann,Ben,Shop", &["--title", "Dracula"]).await;
    assert_eq!(unknown[0], "Ann: \"Dracula\" is not to be had");
    let counted = play(
        "scatter-gather",
        "Master,Worker0,Worker1",
        &["--below", "100"],
    )
    .await;
    assert_eq!(counted[0], "Master: there are 25 primes below 100");
    assert_eq!(counted[1], "Worker0: found 15 primes from 0 to below 50");
}

#[tokio::test]
async fn layers_of_the_file_do_their_work() {
    let file = sample("faulty.toml");
    let words = [
        "run",
        "ping-pong",
        "--stack",
        &file,
        "--role",
        "Alice,Bob",
        "--rounds",
        "20",
    ];
    let played = well(choreo(&words).await);
    assert!(played.contains("heard it: 20 times"), "{played}");

    let without = [&words[..], &["--set", "layers.retry.retries=0"]].concat();
    let ended = choreo(&without).await;
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(1), ""),
        "{ended:?}"
    );
    let told: Vec<&str> = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("choreo: "))
        .collect();
    assert_eq!(told.len(), 2, "{ended:?}");
    assert!(
        told.iter().any(|line| line.starts_with("choreo: Alice: ")),
        "{told:?}"
    );
    assert!(
        told.iter().any(|line| line.starts_with("choreo: Bob: ")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_run_is_drawn_even_if_it_fails() {
    let (file, picture) = (sample("faulty.toml"), Scratch::new("svg", ""));
    let words = [
        "run",
        "ping-pong",
        "--stack",
        &file,
        "--role",
        "Alice,Bob",
        "--svg",
        picture.path(),
    ];
    well(choreo(&words).await);
    let drawn = std::fs::read_to_string(picture.path()).expect("it is there");
    assert!(
        drawn.starts_with("<svg") && drawn.contains("Pong"),
        "{drawn}"
    );

    let faults = [
        "--set",
        "layers.fault-injection.before_send=1",
        "--set",
        "layers.retry.retries=0",
    ];
    let ended = choreo(&[&words[..6], &faults, &["--diagram"]].concat()).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.starts_with("sequenceDiagram\n"), "{ended:?}");

    let nowhere = ["--svg", "/nowhere/picture.svg"];
    let ended = choreo(&[&words[..6], &nowhere].concat()).await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended
            .stderr
            .contains("the picture cannot be written to /nowhere"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn who_plays_is_settled_before_anything_is_opened() {
    let memory = sample("memory.toml");
    let (alice, bob) = (sample("alice.toml"), sample("bob.toml"));
    let run = async |words: &[&str]| choreo(&[&["run", "ping-pong"], words].concat()).await;

    let told = refused(run(&["--stack", &memory]).await, 1);
    assert!(
        told.starts_with(&format!("choreo: {memory}: Alice speaks in memory")),
        "{told}"
    );
    assert!(
        told.contains("nobody plays Bob: add --stack FILE"),
        "{told}"
    );
    assert!(told.contains("(--role Alice,Bob)"), "{told}");

    let told = refused(run(&["--stack", &memory, "--stack", &bob]).await, 1);
    assert!(told.contains("but Bob by another way"), "{told}");

    let told = refused(run(&["--stack", &alice, "--stack", &alice]).await, 1);
    assert!(
        told.contains("two stacks play Alice; each role plays once"),
        "{told}"
    );

    let told = refused(run(&["--stack", &alice, "--role", "Carol"]).await, 1);
    let expected =
        format!("choreo: {alice}: ping-pong has no role \"Carol\"; there are: Alice, Bob (");
    assert!(told.starts_with(&expected), "{told}");

    let told = refused(
        run(&["--stack", &alice, "--stack", &bob, "--role", "Bob"]).await,
        2,
    );
    assert!(told.contains("--role goes with one --stack"), "{told}");
    refused(run(&[]).await, 2);

    let told = refused(
        run(&["--stack", &alice, "--set", "transport.url=http://host"]).await,
        1,
    );
    assert!(
        told.starts_with("choreo: --set transport.url: transport.url: "),
        "{told}"
    );

    let told = refused(run(&["--stack", "nowhere.toml"]).await, 1);
    assert!(
        told.starts_with("choreo: nowhere.toml: it cannot be read: "),
        "{told}"
    );
}

#[tokio::test]
async fn two_processes_at_a_relay_and_nobody_sees_the_tokens() {
    let keys = KeyFile::generate().expect("random numbers");
    let url = relay(&keys).await;
    let (alice, first) = player(&keys, &url, "Alice", &["--text", "far away", "--diagram"]);
    let (bob, second) = player(&keys, &url, "Bob", &[]);
    let (alice, bob) = tokio::join!(end(alice, ""), end(bob, ""));
    for ended in [&alice, &bob] {
        for token in [&first, &second] {
            assert!(
                !ended.stdout.contains(token) && !ended.stderr.contains(token),
                "{ended:?}"
            );
        }
        assert!(ended.stderr.contains(" plays over "), "{ended:?}");
    }
    assert!(alice.stderr.contains("Bob plays elsewhere"), "{alice:?}");
    let alice = well(alice);
    assert!(
        alice.starts_with("Alice: said \"far away\", and heard it: 3 times\n"),
        "{alice}"
    );
    assert!(alice.contains("sequenceDiagram"), "{alice}");
    assert_eq!(well(bob), "Bob: said what he had heard: 3 times\n");
}

#[tokio::test]
async fn over_http_at_a_relay() {
    let keys = KeyFile::generate().expect("random numbers");
    let url = relay(&keys).await;
    let http = format!("transport.url={}", url.replace("ws:", "http:"));
    let fetch = ["--set", "transport.use=fetch", "--set", &http];
    let polled = [&fetch[..], &["--set", "transport.long_polls=true"]].concat();
    // Alice's answers go on, Bob asks again and again, or has a WebSocket.
    for (bobs, made) in [(polled, "Fetch"), (Vec::new(), "WebSocket")] {
        let (alice, _) = player(&keys, &url, "Alice", &fetch);
        let (bob, _) = player(&keys, &url, "Bob", &bobs);
        let (alice, bob) = tokio::join!(end(alice, ""), end(bob, ""));
        for (ended, made) in [(&alice, "Fetch"), (&bob, made)] {
            let over = format!("plays over Trace<Retry<Session<{made}>>>");
            assert!(ended.stderr.contains(&over), "{ended:?}");
        }
        let said = "Alice: said \"hello\", and heard it: 3 times\n";
        assert_eq!(well(alice), said);
        assert_eq!(well(bob), "Bob: said what he had heard: 3 times\n");
    }
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why() {
    let keys = KeyFile::generate().expect("random numbers");
    let url = relay(&keys).await;
    let (mut alice, _) = player(&keys, &url, "Alice", &[]);
    alice.env("TICKET", "no-ticket");
    let ended = end(alice, "").await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    let told = ended
        .stderr
        .lines()
        .find(|line| line.starts_with("choreo: "));
    let told = told.unwrap_or_else(|| panic!("{ended:?}"));
    assert!(told.contains("alice.toml: Alice: "), "{told}");
    assert!(!ended.stderr.contains("no-ticket"), "{ended:?}");

    let (mut alice, _) = player(&keys, &url, "Alice", &[]);
    alice.env_remove("TICKET");
    let told = end(alice, "").await.stderr;
    assert!(
        told.contains("environment variable TICKET cannot be read: there is none"),
        "{told}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn who_is_in_leaves_when_another_is_not_let_in() {
    let keys = KeyFile::generate().expect("random numbers");
    let url = relay(&keys).await;
    let (bob, _) = player(&keys, &url, "Bob", &[]);
    let mut bob = Running::start(bob);
    bob.tells("plays over").await;
    // The ticket of Alice does not let a second Bob in.
    let again = sample("bob.toml");
    let (alice, _) = player(&keys, &url, "Alice", &["--stack", &again, "--diagram"]);
    let alice = end(alice, "").await;
    assert_eq!((alice.code, alice.stdout.as_str()), (Some(1), ""));
    assert!(
        alice.stderr.contains("bob.toml: Bob: ") && alice.stderr.contains("for another role"),
        "{alice:?}"
    );
    bob.tells("choreo: Bob: receive from Alice: the peer has closed the session")
        .await;
    assert_eq!(bob.code().await, Some(1));
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_leaves_in_order_and_the_other_is_told() {
    let keys = KeyFile::generate().expect("random numbers");
    let url = relay(&keys).await;
    let (alice, _) = player(&keys, &url, "Alice", &["--rounds", "4000000000"]);
    let mut alice = Running::start(alice);
    let (mut bob, _) = player(&keys, &url, "Bob", &[]);
    bob.env("RUST_LOG", "error");
    let bob = tokio::spawn(async move { end(bob, "").await });
    // Alice's file has the layer `trace`, which tells of every message.
    alice.tells("received").await;
    alice.interrupt().await;
    assert_eq!(alice.code().await, Some(130));
    let bob = bob.await.expect("it ends");
    assert_eq!((bob.code, bob.stdout.as_str()), (Some(1), ""), "{bob:?}");
    assert!(
        bob.stderr.contains("choreo: Bob: ") && bob.stderr.contains("Alice"),
        "{bob:?}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn who_finds_no_relay_says_so_and_tries_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    let keys = KeyFile::generate().expect("random numbers");
    let (alice, _) = player(&keys, &format!("ws://{address}"), "Alice", &[]);
    let mut alice = Running::start(alice);
    alice.tells("WebSocket: no connection: ").await;
    alice.tells("WebSocket: no connection: ").await;
    alice.interrupt().await;
    assert_eq!(alice.code().await, Some(130));
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_signal_does_not_wait() {
    let keys = KeyFile::generate().expect("random numbers");
    let url = relay(&keys).await;
    let (alice, _) = player(&keys, &url, "Alice", &[]);
    let mut alice = Running::start(alice);
    // Bob never comes, so that nothing arrives.
    alice.tells("sent").await;
    alice.interrupt().await;
    alice.tells("a second signal does not wait").await;
    alice.interrupt().await;
    assert_eq!(alice.code().await, Some(130));
}

/// A command that runs, and what it tells.
#[cfg(unix)]
struct Running {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
}

#[cfg(unix)]
impl Running {
    fn start(mut command: Command) -> Self {
        command.env("RUST_LOG", "info,choreo=debug");
        let mut child = command.spawn().expect("it is built");
        let mut stderr = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let (told, lines) = mpsc::unbounded_channel();
        // All of it is read, so that more can be told.
        tokio::spawn(async move {
            while let Ok(Some(line)) = stderr.next_line().await {
                let _ = told.send(line);
            }
        });
        Self { child, lines }
    }

    /// Waits until it tells that.
    async fn tells(&mut self, what: &str) {
        let told = async {
            while let Some(line) = self.lines.recv().await {
                if line.contains(what) {
                    return;
                }
            }
            panic!("it ends without having told {what:?}");
        };
        timeout(LONG, told).await.expect("it goes on");
    }

    async fn interrupt(&self) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status().await;
        assert!(sent.expect("there is such a program").success());
    }

    async fn code(&mut self) -> Option<i32> {
        let ended = timeout(LONG, self.child.wait()).await;
        ended.expect("it ends").expect("it is a child").code()
    }
}

//! Two programs at one socket, and what it says when something is wrong.
#![cfg(not(target_arch = "wasm32"))]

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use choreo::plugin::{Registry, Stack, StackSpec};
use choreo::prelude::*;
use choreo::{Bytes, Connect, plugins};
use custom_transport::Line;
use tokio::process::Command;
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(30);
/// Tells the other program where the socket is.
const ADDRESS: &str = "CUSTOM_TRANSPORT_ADDRESS";

fn address(name: &str) -> String {
    let file = format!("{name}-{}", std::process::id());
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file);
    path.to_str().expect("a plain name").to_owned()
}

/// A stack at a line: one handler, one peer, no session.
async fn stack(role: &str, peer: &str, address: &str, listen: bool) -> Result<Stack> {
    let text = format!(
        "role = \"{role}\"\n[transport]\nuse = \"unix-socket\"\naddress = '{address}'\n\
         listen = {listen}\npatience = \"30s\"\n[handler]\nuse = \"rumpsteak\"\npeer = \"{peer}\""
    );
    let registry = plugins::registry()?.with(custom_transport::PLUGIN)?;
    let spec = StackSpec::from_toml(&text)?;
    spec.build_with(&registry, &Default::default()).await
}

#[tokio::test]
async fn two_programs_play_over_a_line() {
    let address = address("programs");
    let mut bob = Command::new(env::current_exe().expect("this program"));
    bob.args(["--exact", "bob", "--ignored"])
        .env(ADDRESS, &address);
    let bob = bob.kill_on_drop(true).spawn().expect("it starts");

    let alice = timeout(LONG, stack("Alice", "Bob", &address, false));
    let alice = alice.await.expect("in time").expect("Bob listens");
    assert_eq!(alice.describe(), "Rumpsteak<UnixSocket>");
    for number in 0..100_u32 {
        alice.send(&(), "Bob".into(), &number).await.unwrap();
        let answer = timeout(LONG, alice.recv::<u32>(&(), "Bob".into()));
        assert_eq!(answer.await.expect("in time").unwrap(), number + 1);
    }
    alice.close().await.unwrap();
    let ended = timeout(LONG, bob.wait_with_output())
        .await
        .expect("in time");
    assert!(ended.expect("it ends").status.success());
}

#[tokio::test]
#[ignore = "the other program of the test above"]
async fn bob() {
    let address = env::var(ADDRESS).expect("only the test above starts this one");
    let bob = stack("Bob", "Alice", &address, true)
        .await
        .expect("Alice calls");
    for number in 0..100_u32 {
        let got = bob.recv::<u32>(&(), "Alice".into()).await.unwrap();
        assert_eq!(got, number);
        bob.send(&(), "Alice".into(), &(got + 1)).await.unwrap();
    }
    let error = bob.recv::<u32>(&(), "Alice".into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn nobody_waits_for_ever_for_the_other_side() {
    let patience = Duration::from_millis(30);
    for line in [Line::listen, Line::call] {
        let line = line(&address("nobody"), patience);
        let error = timeout(LONG, line.connect()).await.expect("in time").err();
        let error = error.expect("nobody is there");
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(error.to_string().contains("nobody came to"), "{error}");
    }
}

#[tokio::test]
async fn a_socket_that_was_left_behind_is_bound_again() {
    let address = address("left-behind");
    drop(std::os::unix::net::UnixListener::bind(&address).expect("a new path"));
    let (listens, calls) = (Line::listen(&address, LONG), Line::call(&address, LONG));
    tokio::try_join!(listens.connect(), calls.connect()).expect("it is bound again");

    // One that is in use is not, and stays.
    let error = Line::listen(&address, LONG).connect().await.err().unwrap();
    assert!(error.report().contains("in use"), "{}", error.report());
    tokio::try_join!(listens.connect(), calls.connect()).expect("it is there as before");
    drop(listens);
    assert!(!PathBuf::from(address).exists(), "a listener cleans up");
}

#[tokio::test]
async fn frames_have_a_bound() {
    let address = address("bound");
    let (listens, calls) = (Line::listen(&address, LONG), Line::call(&address, LONG));
    let (bob, alice) = tokio::try_join!(listens.connect(), calls.connect()).unwrap();
    let error = alice.send(vec![0; 65 * 1024 + 1].into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    alice.send(vec![0; 65 * 1024].into()).await.unwrap();
    assert_eq!(bob.recv().await.unwrap().unwrap().len(), 65 * 1024);

    // Who declares more than there may be is not believed.
    use tokio::io::AsyncWriteExt;
    let mut stranger = tokio::net::UnixStream::connect(&address).await.unwrap();
    let bob = listens.connect().await.unwrap();
    stranger.write_all(&u32::MAX.to_be_bytes()).await.unwrap();
    let error = bob.recv().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(bob.send(Bytes::new()).await.is_err());
}

#[test]
fn the_plug_in_is_registered() {
    // This program names the crate, so what it registers is linked.
    let registry = Registry::discovered().unwrap();
    assert_eq!(
        registry.transport("unix-socket").unwrap().title(),
        "UnixSocket"
    );
    let text = "role = \"Alice\"\n[transport]\nuse = \"unix-socket\"\naddress = \"\"";
    let error = StackSpec::from_toml(text)
        .unwrap()
        .check(&registry)
        .unwrap_err();
    assert!(
        error.to_string().contains("transport.address: a line has"),
        "{error}"
    );
}

//! What a folder does beyond what every handler does.

use std::path::PathBuf;

use choreo_core::{ChoreoHandlerExt, ErrorKind};
use choreo_plugin::{Registry, StackSpec};
use custom_handler::FolderHandler;

/// A new folder, which is gone afterwards.
struct Session(PathBuf);

impl Session {
    fn new(name: &str) -> Self {
        let folder = format!("{name}-{}", std::process::id());
        Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(folder))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn messages_wait_for_a_role_that_comes_later() {
    let session = Session::new("later");
    let alice = FolderHandler::join(&session.0, "Alice", &["Bob"]).unwrap();
    for number in 0..FolderHandler::<&str>::CAPACITY {
        alice.send(&(), "Bob", &number).await.unwrap();
    }
    drop(alice); // even for one that comes when she has left
    let bob = FolderHandler::join(&session.0, "Bob", &["Alice"]).unwrap();
    for number in 0..FolderHandler::<&str>::CAPACITY {
        assert_eq!(bob.recv::<u64>(&(), "Alice").await.unwrap(), number);
    }
    let error = bob.recv::<u64>(&(), "Alice").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(
        error.to_string(),
        "Bob: receive from Alice: Alice has left the session"
    );
}

#[test]
fn a_folder_is_used_once() {
    let session = Session::new("once");
    drop(FolderHandler::join(&session.0, "Alice", &["Bob"]).unwrap());
    let error = FolderHandler::join(&session.0, "Alice", &["Bob"])
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(
        error
            .to_string()
            .contains("take a new one for each session"),
        "{error}"
    );
}

#[test]
fn a_role_s_name_leads_nowhere_else() {
    let session = Session::new("names");
    for wrong in ["", "../Alice", "Al/ice", "Älice"] {
        for (role, peer) in [(wrong, "Bob"), ("Bob", wrong)] {
            let error = FolderHandler::join(&session.0, role, &[peer])
                .err()
                .unwrap();
            assert!(error.to_string().contains("names no file"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_stack_has_it_by_name() {
    let session = Session::new("stack");
    // Of this program, which names the crate, it is registered: `with` does no harm.
    let registry = Registry::discovered().unwrap();
    assert_eq!(registry.handler("folder").unwrap().title(), "Folder");
    let registry = registry.with(custom_handler::PLUGIN).unwrap();
    let text = |role, peers| {
        let folder = session.0.display();
        format!(
            "role = \"{role}\"\n[handler]\nuse = \"folder\"\nfolder = '{folder}'\npeers = {peers}\n"
        )
    };
    let error = StackSpec::from_toml(&text("Alice", "[]"))
        .unwrap()
        .check(&registry);
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("handler.peers: a role speaks with"),
        "{error}"
    );

    let alice = StackSpec::from_toml(&text("Alice", "[\"Bob\"]")).unwrap();
    let bob = StackSpec::from_toml(&text("Bob", "[\"Alice\"]")).unwrap();
    let alice = alice
        .build_with(&registry, &Default::default())
        .await
        .unwrap();
    let bob = bob
        .build_with(&registry, &Default::default())
        .await
        .unwrap();
    assert_eq!(alice.describe(), "Folder");
    alice.send(&(), "Bob".into(), &"hello").await.unwrap();
    assert_eq!(
        bob.recv::<String>(&(), "Alice".into()).await.unwrap(),
        "hello"
    );
}

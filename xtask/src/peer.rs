//! The servers that pages and tests talk to.

use std::process::Command;

use anyhow::Result;

use crate::listener::Listener;
use crate::progress::Status;
use crate::workspace::{FACADE, FETCH, NATIVE_SERVER, Workspace};

/// The servers that the transports' tests talk to; dropping it stops them.
pub(crate) struct TestPeers {
    websocket: Listener,
    fetch: Listener,
    players: Listener,
}

impl TestPeers {
    /// Starts them.
    ///
    /// # Errors
    /// If one does not compile, or does not start.
    pub(crate) fn start(workspace: &Workspace, status: &Status) -> Result<Self> {
        let start = |package: &str, peer: &str, features: &[&str]| {
            let mut cargo = workspace.cargo(["build", "--package", package]);
            cargo.args(["--example", peer]).args(features);
            Listener::start(&mut cargo, peer, &[], status)
        };
        Ok(Self {
            websocket: start("choreo-transport-websocket", "websocket-peer", &[])?,
            fetch: start(FETCH, "fetch-peer", &["--features", "axum"])?,
            players: start(
                FACADE,
                "anywhere",
                &["--features", "session,websocket-axum"],
            )?,
        })
    }

    /// Tells tests where they listen, when they are compiled.
    pub(crate) fn steer(&self, cargo: &mut Command) {
        cargo.env("CHOREO_TEST_PEER", &self.websocket.url);
        cargo.env("CHOREO_TEST_FETCH", &self.fetch.url);
        cargo.env("CHOREO_TEST_PLAYERS", &self.players.url);
    }
}

/// Starts a relay on this machine that lets everybody in, from pages at these addresses.
///
/// # Errors
/// If it does not compile, or does not start.
pub(crate) fn relay(workspace: &Workspace, pages: &[String], status: &Status) -> Result<Listener> {
    let mut args: Vec<String> = ["--open", "--listen", "127.0.0.1:0"]
        .map(str::to_owned)
        .into();
    for page in pages {
        args.extend(["--allow-origin".to_owned(), page.clone()]);
    }
    let mut cargo = workspace.cargo(["build", "--package", "choreo-relay", "--bins"]);
    Listener::start(&mut cargo, "choreo-relay", &args, status)
}

/// Starts the example in which Bob is a native program, at that address.
///
/// # Errors
/// If it does not compile, or does not start.
pub(crate) fn native_server(
    workspace: &Workspace,
    address: &str,
    status: &Status,
) -> Result<Listener> {
    let mut cargo = workspace.cargo(["build", "--package", NATIVE_SERVER]);
    Listener::start(&mut cargo, NATIVE_SERVER, &[address.to_owned()], status)
}

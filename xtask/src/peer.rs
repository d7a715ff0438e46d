//! The servers that pages and tests talk to.

use std::process::Command;

use anyhow::Result;

use crate::listener::Listener;
use crate::native::{self, Built};
use crate::progress::Status;
use crate::workspace::{NATIVE_SERVER, RELAY, Workspace};

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
        let start = |peer| {
            let mut cargo = native::build(workspace, [Built::Example(peer)]);
            Listener::start(&mut cargo, peer, &[], status)
        };
        Ok(Self {
            websocket: start("websocket-peer")?,
            fetch: start("fetch-peer")?,
            players: start("anywhere")?,
        })
    }

    /// Tells tests where they listen, when they are compiled.
    pub(crate) fn steer(&self, cargo: &mut Command) {
        cargo.env("CHOREO_TEST_PEER", &self.websocket.url);
        cargo.env("CHOREO_TEST_FETCH", &self.fetch.url);
        cargo.env("CHOREO_TEST_PLAYERS", &self.players.url);
    }
}

/// Starts the relay that the command builds, on this machine: it lets everybody in, from pages at
/// these addresses.
///
/// # Errors
/// If it does not compile, or does not start.
pub(crate) fn relay(mut build: Command, pages: &[String], status: &Status) -> Result<Listener> {
    let mut args: Vec<String> = ["--open", "--listen", "127.0.0.1:0"]
        .map(str::to_owned)
        .into();
    for page in pages {
        args.extend(["--allow-origin".to_owned(), page.clone()]);
    }
    Listener::start(&mut build, RELAY, &args, status)
}

/// Starts the example in which Bob is a native program, as the command builds it, at that address.
///
/// # Errors
/// If it does not compile, or does not start.
pub(crate) fn native_server(
    mut build: Command,
    address: &str,
    status: &Status,
) -> Result<Listener> {
    Listener::start(&mut build, NATIVE_SERVER, &[address.to_owned()], status)
}

//! The servers that pages and tests talk to.

use anyhow::Result;

use crate::listener::Listener;
use crate::progress::Status;
use crate::workspace::{NATIVE_SERVER, Workspace};

/// Where the WebSocket tests look for the address of theirs, when they are compiled.
pub(crate) const VARIABLE: &str = "CHOREO_TEST_PEER";

/// Starts the server that the WebSocket tests talk to.
///
/// # Errors
/// If it does not compile, or does not start.
pub(crate) fn test_peer(workspace: &Workspace, status: &Status) -> Result<Listener> {
    let package = "choreo-transport-websocket";
    let mut cargo = workspace.cargo(["build", "--package", package, "--example", "test-peer"]);
    Listener::start(&mut cargo, "test-peer", &[], status)
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

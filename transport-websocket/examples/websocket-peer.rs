//! The server that the tests in browsers talk to: `cargo xtask test` starts it, and tells them where
//! it listens. It prints its address, and ends when its input does.

use std::io::{Read, stdin};

use tokio::net::TcpListener;

#[path = "../tests/peer/mod.rs"]
mod peer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("ws://{}", listener.local_addr()?);
    let ended = tokio::task::spawn_blocking(|| stdin().read_to_end(&mut Vec::new()));
    tokio::select! {
        served = peer::serve(listener) => served,
        _ = ended => Ok(()),
    }
}

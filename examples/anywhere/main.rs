//! Roles that are written once, and played over a WebSocket here; `tests/anywhere.rs` plays the same
//! in memory and in browsers.
//!
//! ```sh
//! cargo run --example anywhere --features session,websocket-axum
//! ```
//!
//! The server goes on, for others to call it, until the program's input ends.

use std::error::Error;
use std::future::IntoFuture;
use std::io::{Read, stdin};

use choreo::prelude::{Meeting, WebSocketConnector};
use tokio::net::TcpListener;
use tokio::task::{spawn, spawn_blocking};

#[expect(unreachable_pub, reason = "a library would export it")]
mod ping_pong;
mod server;
#[expect(unreachable_pub, reason = "a library would export it")]
mod tic_tac_toe;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr()?);
    println!("listening on {url}");
    let serving = spawn(axum::serve(listener, server::server()?).into_future());

    let connector = WebSocketConnector::new(format!("{url}/ping-pong"))?;
    let meeting = Meeting::new(connector, "here");
    let seat = meeting.join(ping_pong::Role::Alice).await?;
    println!("Alice got {:?}", ping_pong::alice(&seat).await?);
    seat.close().await?;

    let connector = WebSocketConnector::new(format!("{url}/tic-tac-toe"))?;
    let meeting = Meeting::new(connector, "here");
    let seat = meeting.join(tic_tac_toe::Role::Cross).await?;
    println!("the board: {:?}", tic_tac_toe::cross(&seat, &()).await?);
    seat.close().await?;

    let ended = spawn_blocking(|| stdin().read_to_end(&mut Vec::new()));
    tokio::select! {
        served = serving => served??,
        ended = ended => drop(ended??),
    }
    Ok(())
}

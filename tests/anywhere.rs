//! The same roles, unchanged: in memory, and over a real WebSocket to a native server, natively and
//! in browsers.
//!
//! `cargo xtask test` starts the server that browsers talk to, `examples/anywhere`. Node has a
//! `WebSocket` from version 22 on; before, each test over one says that it is skipped.

use choreo::prelude::*;

#[cfg(not(target_arch = "wasm32"))]
use tokio::test;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[expect(unreachable_pub, reason = "a library would export it")]
#[path = "../examples/anywhere/ping_pong.rs"]
mod ping_pong;
#[cfg(not(target_arch = "wasm32"))]
#[path = "../examples/anywhere/server.rs"]
mod server;
#[expect(unreachable_pub, reason = "a library would export it")]
#[path = "../examples/anywhere/tic_tac_toe.rs"]
mod tic_tac_toe;

const PING_PONG: &str = include_str!("../examples/anywhere/ping_pong.rs");

/// The board at the end, if both take the first free place.
const BOARD: &str = "xoxoxox  ";

#[test]
async fn a_protocol_takes_few_lines() {
    let lines = PING_PONG.lines().filter(|line| !line.trim().is_empty());
    let count = lines.count();
    assert!(count <= 15, "{count} lines");
}

#[test]
async fn ping_pong_in_memory() -> Result<()> {
    let network = InMemoryNetwork::new();
    let alice = network.join(ping_pong::Role::Alice)?;
    let bob = network.join(ping_pong::Role::Bob)?;
    let (pong, ()) = futures::try_join!(ping_pong::alice(&alice), ping_pong::bob(&bob))?;
    assert_eq!(pong.0, 2);
    Ok(())
}

#[test]
async fn tic_tac_toe_in_memory() -> Result<()> {
    let network = InMemoryNetwork::new();
    let cross = network.join(tic_tac_toe::Role::Cross)?;
    let nought = network.join(tic_tac_toe::Role::Nought)?;
    let (cross, nought) = (
        tic_tac_toe::cross(&cross, &()),
        tic_tac_toe::nought(&nought, &()),
    );
    let boards = futures::try_join!(cross, nought)?;
    assert_eq!(boards, (BOARD.to_owned(), BOARD.to_owned()));
    Ok(())
}

/// Alice here, Bob at the server.
#[test]
async fn ping_pong_over_a_web_socket() -> Result<()> {
    let Some(server) = Server::find().await else {
        return Ok(());
    };
    let meeting = server.meeting("/ping-pong")?;
    let seat = meeting.join(ping_pong::Role::Alice).await?;
    assert_eq!(ping_pong::alice(&seat).await?.0, 2);
    seat.close().await
}

/// Cross here, Nought at the server.
#[test]
async fn tic_tac_toe_over_a_web_socket() -> Result<()> {
    let Some(server) = Server::find().await else {
        return Ok(());
    };
    let meeting = server.meeting("/tic-tac-toe")?;
    let seat = meeting.join(tic_tac_toe::Role::Cross).await?;
    assert_eq!(tic_tac_toe::cross(&seat, &()).await?, BOARD);
    seat.close().await
}

/// The server of the example.
struct Server {
    url: String,
    /// What no other test, and no other run, calls its session.
    name: String,
}

impl Server {
    fn meeting(&self, path: &str) -> Result<Meeting> {
        let connector = WebSocketConnector::new(format!("{}{path}", self.url))?;
        Ok(Meeting::new(connector, &*self.name))
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Server {
    /// A new one.
    async fn find() -> Option<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let server = server::server().expect("there are random numbers");
        tokio::spawn(async move { axum::serve(listener, server).await });
        Some(Self {
            url: format!("ws://{address}"),
            name: "native".to_owned(),
        })
    }
}

#[cfg(target_arch = "wasm32")]
impl Server {
    /// That which was started for the tests, where there is a `WebSocket`.
    #[expect(clippy::option_env_unwrap, reason = "it compiles without a server")]
    async fn find() -> Option<Self> {
        let global = js_sys::global();
        if !js_sys::Reflect::has(&global, &"WebSocket".into()).unwrap_or_default() {
            wasm_bindgen_test::console_log!("skipped: there is no WebSocket here");
            return None;
        }
        let url = option_env!("CHOREO_TEST_PLAYERS")
            .expect("no server to talk to: `cargo xtask test` starts one before it builds this");
        Some(Self {
            url: url.to_owned(),
            name: format!("browser {}", js_sys::Math::random()),
        })
    }
}

//! Two roles that meet over a WebSocket, with nothing between them.
#![cfg(not(target_arch = "wasm32"))]

use choreo::prelude::*;
use choreo::websocket::{Closed, WebSocketAcceptor, WebSocketTransport};
use tokio::net::TcpListener;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Client,
    Server,
}

/// Both sides of a connection over loopback.
async fn connect() -> (WebSocketTransport, WebSocketTransport) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let accept = async {
        let (stream, _) = listener.accept().await.unwrap();
        WebSocketAcceptor::new().accept(stream).await
    };
    let connector = WebSocketConnector::new(url).unwrap();
    let (client, server) = futures::join!(connector.open(), accept);
    (client.unwrap(), server.unwrap())
}

#[tokio::test]
async fn a_protocol_runs_over_it() {
    let (client, server) = connect().await;
    let at_client = RumpsteakEndpoint::new(Role::Client);
    at_client.register_transport(Role::Server, client);
    let at_server = RumpsteakEndpoint::new(Role::Server);
    at_server.register_transport(Role::Client, server);
    let handler = RumpsteakHandler::new();

    let asks = Program::new().loop_n(
        100,
        Program::new()
            .send(Role::Server, 7_u32)
            .recv::<u32>(Role::Server),
    );
    let answers = Program::new().loop_n(
        100,
        Program::new()
            .recv::<u32>(Role::Client)
            .send(Role::Client, 8_u32),
    );
    let (asked, answered) = futures::join!(
        interpret(&handler, &at_client, asks.end()),
        interpret(&handler, &at_server, answers.end()),
    );
    assert_eq!(asked.unwrap().received_values, [8; 100]);
    assert_eq!(answered.unwrap().received_values, [7; 100]);

    at_client.close().await.unwrap();
    let left = handler
        .recv::<u32>(&at_server, Role::Client)
        .await
        .unwrap_err();
    assert_eq!(left.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_handlers_error_says_how_it_was_closed() {
    let (client, server) = connect().await;
    let at_client = RumpsteakEndpoint::new(Role::Client);
    at_client.register_transport(Role::Server, client);
    server.close_with(4409, "superseded").await.unwrap();
    let handler = RumpsteakHandler::new();
    let error = handler
        .recv::<u32>(&at_client, Role::Server)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(error.peer(), Some("Server"));
    assert_eq!(Closed::of(&error).unwrap().code, 4409);
    assert!(
        error.report().ends_with("close code 4409: superseded"),
        "{}",
        error.report()
    );
}

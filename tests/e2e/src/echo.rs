//! Who sends back what comes: by this project's code, and bare.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::Request;
use axum::routing::{any, post};
use axum::serve::ListenerExt;
use choreo_chaos::Direct;
use choreo_chaos::exchange::{Role, endpoint};
use choreo_core::{Bytes, ChoreoHandlerExt, Transport};
use choreo_handler_rumpsteak::RumpsteakHandler;
use choreo_session::{Session, Terms};
use choreo_transport_fetch::{FetchAcceptor, FetchTransport};
use futures::{SinkExt, StreamExt};
use serde::Serialize;
use serde_bytes::ByteArray;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// Both, on loopback, until this is dropped.
pub struct Echo {
    /// What carries the messages.
    pub over: Over,
    /// Where the one by this project's code is.
    pub ours: String,
    /// Where the bare one is.
    pub bare: String,
    tasks: Vec<JoinHandle<()>>,
}

/// What carries messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Over {
    /// Handler, session and transport with Bob, beside a bare WebSocket.
    WebSocket,
    /// The transport over HTTP, beside a bare `POST`.
    Fetch,
}

impl Echo {
    /// Begins to listen for `WebSocket` connections.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn websocket() -> Result<Self> {
        let bob = Direct::start(&Role::Bob, Terms::default()).await;
        let ours = format!("ws://{}", bob.address());
        let (listener, address) = listen().await?;
        let answer = tokio::spawn(async move {
            loop {
                // Until Alice leaves.
                tokio::spawn(answer(bob.joined().await));
            }
        });
        let echo = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(echo(stream));
            }
        });
        Ok(Self {
            over: Over::WebSocket,
            ours,
            bare: format!("ws://{address}"),
            tasks: vec![answer, echo],
        })
    }

    /// Begins to listen for requests, from pages of an origin.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn fetch(origin: &str) -> Result<Self> {
        let (listener, address) = listen().await?;
        let acceptor = FetchAcceptor::new();
        let ours = async move |request: Request| acceptor.answer(request, send_back).await;
        let app = Router::new()
            .route("/ours", any(ours))
            .route("/bare", post(async |body: Bytes| body))
            .layer(FetchAcceptor::cors([origin]));
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let serve = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self {
            over: Over::Fetch,
            ours: format!("http://{address}/ours"),
            bare: format!("http://{address}/bare"),
            tasks: vec![serve],
        })
    }
}

async fn listen() -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.context("no port is free")?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

impl Drop for Echo {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn answer(session: Session) -> choreo_core::Result<()> {
    let endpoint = endpoint(Role::Bob, &session, [Role::Alice])?;
    let handler = RumpsteakHandler::new();
    loop {
        let message: ByteArray<64> = handler.recv(&endpoint, Role::Alice).await?;
        handler.send(&endpoint, Role::Alice, &message).await?;
    }
}

async fn send_back(transport: FetchTransport) {
    while let Ok(Some(frame)) = transport.recv().await {
        if transport.send(frame).await.is_err() {
            break;
        }
    }
}

/// Tuned as the transport is: with the default buffers it takes longer.
async fn echo(stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(4096);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    while let Some(message) = socket.next().await {
        let message = message?;
        if message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

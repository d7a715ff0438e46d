//! A role that sends back what it gets, and a bare WebSocket that does.

use anyhow::{Context, Result};
use choreo_chaos::Direct;
use choreo_chaos::exchange::{Role, endpoint};
use choreo_core::ChoreoHandlerExt;
use choreo_handler_rumpsteak::RumpsteakHandler;
use choreo_session::{Session, Terms};
use futures::{SinkExt, StreamExt};
use serde_bytes::ByteArray;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// Both, on loopback, until this is dropped.
pub struct Echo {
    /// Where Bob is called.
    pub role: String,
    /// Where the bare WebSocket is.
    pub bare: String,
    tasks: [JoinHandle<()>; 2],
}

impl Echo {
    /// Begins to listen.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let bob = Direct::start(&Role::Bob, Terms::default()).await;
        let role = format!("ws://{}", bob.address());
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.context("no port is free")?;
        let bare = format!("ws://{}", listener.local_addr()?);
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
            role,
            bare,
            tasks: [answer, echo],
        })
    }
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

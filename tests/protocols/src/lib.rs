//! Plays protocols: all roles at once, in memory or over a WebSocket, by the same functions.
#![deny(missing_docs)]

use std::net::SocketAddr;
use std::sync::Arc;

use choreo::Result;
use choreo::prelude::*;
use choreo::session::Anyone;
use choreo_relay::{Relay, RelayConfig};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

#[doc(hidden)]
pub use {futures, tokio};

/// A relay on loopback, for as long as this lives.
pub struct Server {
    address: SocketAddr,
    listening: JoinHandle<()>,
}

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// When the platform gives no random numbers.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let relay = Relay::new(Anyone, RelayConfig::default())?;
        let listening = tokio::spawn(async move { relay.listen(listener).await });
        Ok(Self { address, listening })
    }

    /// A way to it for the roles of the session of that name.
    ///
    /// # Errors
    /// None: the address is one.
    pub fn meeting(&self, session: impl Into<Arc<str>>) -> Result<Meeting> {
        let connector = WebSocketConnector::new(format!("ws://{}", self.address))?;
        Ok(Meeting::new(connector, session))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Two tests, which play all roles of a protocol: each role by a function of a handler and its
/// endpoint.
///
/// `Role` is to be in scope.
#[macro_export]
macro_rules! play {
    ($($role:ident => $plays:expr),+ $(,)?) => {
        #[tokio::test]
        async fn in_memory() -> choreo::Result<()> {
            let network = choreo::InMemoryNetwork::of(<Role as choreo::ProtocolRole>::ALL.to_vec());
            $crate::in_time(async {
                $crate::futures::try_join!($(async {
                    let handler = network.join(Role::$role)?;
                    $plays(&handler, &()).await
                }),+)
            })
            .await
            .map(drop)
        }

        #[tokio::test]
        async fn over_web_sockets() -> choreo::Result<()> {
            let server = $crate::Server::start().await?;
            let meeting = server.meeting("protocol")?;
            $crate::in_time(async {
                $crate::futures::try_join!($(async {
                    let seat = meeting.join(Role::$role).await?;
                    $plays(&seat, &()).await?;
                    seat.close().await
                }),+)
            })
            .await
            .map(drop)
        }
    };
}

/// The parts of all roles, one after the other, as they are compared with what is expected.
///
/// # Panics
/// If the protocol is not accepted.
#[must_use]
pub fn parts(protocol: &choreo::protocol::Global) -> String {
    let locals = protocol.locals().expect("it is accepted");
    let parts: Vec<_> = locals.iter().map(ToString::to_string).collect();
    parts.join("\n")
}

/// What it gives, rather than waiting for ever.
///
/// # Panics
/// After a minute.
pub async fn in_time<T>(plays: impl Future<Output = T>) -> T {
    let played = tokio::time::timeout(std::time::Duration::from_secs(60), plays).await;
    played.expect("the protocol gets stuck")
}

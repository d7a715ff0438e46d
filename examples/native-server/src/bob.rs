use std::time::Duration;

use choreo::Transport;
use choreo::prelude::*;
use choreo::session::{Accepted, Acceptor, Anyone, Terms};
use two_browsers::protocol::Role;
use two_browsers::{Talk, endpoint, play};

/// Bob, who answers everybody that calls, each in a session of its own.
pub struct Bob {
    acceptor: Acceptor,
}

impl Bob {
    /// Nobody has called yet.
    ///
    /// # Errors
    /// When the platform gives no random numbers.
    pub fn new() -> Result<Self> {
        Ok(Self {
            acceptor: Acceptor::new(&Role::Bob, Anyone, Terms::default())?,
        })
    }

    /// Lets a caller in, and plays until it has left. A connection that takes the place of one
    /// that broke is handed to the conversation that goes on, and this returns.
    ///
    /// # Errors
    /// When the caller is not let in, or the session is lost.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn serve(&self, connection: impl Transport + 'static) -> Result<()> {
        let Accepted::Joined(session) = self.acceptor.accept(connection).await? else {
            return Ok(());
        };
        let endpoint = endpoint(Role::Bob, &session)?;
        let talk = Talk::new(String::new(), Duration::ZERO);
        play(&endpoint, &talk, None).await?;
        session.close().await
    }
}

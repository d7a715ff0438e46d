//! A conversation of three roles in which each message is checked, the same natively and in
//! browsers.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use choreo_core::{ChoreoHandlerExt, Error, ErrorKind, Result};
use choreo_handler_rumpsteak::{RumpsteakEndpoint, RumpsteakHandler};
use choreo_session::{Link, Session, SessionConfig, Status, Timing};
use choreo_transport_websocket::WebSocketConnector;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::exchange::{Role, endpoint};
use crate::{Counting, Frames, Tally};

/// How many messages go each way before their answers are awaited.
const BURST: u64 = 8;
/// How many messages a round has: a burst both ways between any two.
pub const ROUND: u64 = 6 * BURST;

/// What a role is told before it begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Who it is.
    pub role: Role,
    /// The session's name.
    pub session: String,
    /// Where the relay is.
    pub url: String,
    /// What lets it in.
    pub token: String,
    /// How many rounds there are.
    pub rounds: u64,
}

/// How a role's part in the conversation is, or how it has ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// What came.
    pub tally: Tally,
    /// How many messages it has sent.
    pub sent: u64,
    /// How many frames it took to send them.
    pub data_frames: u64,
    /// How many frames of all kinds went out.
    pub all_frames: u64,
    /// How many connections there were.
    pub connections: u64,
    /// The connection, in words.
    pub link: String,
    /// Whether it has ended.
    pub over: bool,
    /// Why it has not ended well.
    pub error: Option<String>,
}

/// One role's part in the conversation.
pub struct Part {
    settings: Settings,
    frames: Frames,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tally: Tally,
    sent: u64,
    session: Option<Session>,
    last_status: Option<Status>,
    over: bool,
    error: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Message {
    from: Role,
    to: Role,
    number: u64,
    filling: Vec<u8>,
}

impl Part {
    /// The part of a role that has not joined yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            frames: Frames::default(),
            state: Mutex::default(),
        }
    }

    /// Joins, plays, and leaves when all has arrived, both here and at the others.
    ///
    /// # Errors
    /// The session's. What came wrong is no error; it is in the [`account`](Self::account).
    pub async fn play(&self) -> Result<()> {
        let result = self.join_and_play().await;
        let mut state = self.state();
        state.over = true;
        state.error = result.as_ref().err().map(Error::report);
        drop(state);
        result
    }

    /// How it is.
    #[must_use]
    pub fn account(&self) -> Account {
        let state = self.state();
        let now = state.session.as_ref().map(Session::status);
        let status = now.or_else(|| state.last_status.clone());
        let link = status
            .as_ref()
            .map_or(&Link::Connecting, |status| &status.link);
        Account {
            tally: state.tally,
            sent: state.sent,
            data_frames: self.frames.data(),
            all_frames: self.frames.all(),
            connections: status.as_ref().map_or(0, |status| status.connections),
            link: link.to_string(),
            over: state.over,
            error: state.error.clone(),
        }
    }

    async fn join_and_play(&self) -> Result<()> {
        let Settings { role, .. } = self.settings;
        let peers: Vec<Role> = role.peers().collect();
        let connector = WebSocketConnector::new(&self.settings.url)?;
        let timing = Timing {
            backoff: Duration::from_millis(20),
            backoff_max: Duration::from_millis(200),
            ..Timing::default()
        };
        let config = SessionConfig::new(&self.settings.session, role, peers.clone())
            .with_token(&self.settings.token)
            .with_timing(timing);
        let session = Session::join(Counting::new(connector, self.frames.clone()), config).await?;
        let endpoint = endpoint(role, &session, peers.clone())?;
        self.state().session = Some(session);
        for round in 0..self.settings.rounds {
            self.round(&endpoint, &peers, round).await?;
        }
        endpoint.close().await?;
        try_join_all(peers.iter().map(|peer| self.rest(&endpoint, *peer))).await?;
        let session = {
            let mut state = self.state();
            state.last_status = state.session.as_ref().map(Session::status);
            state.session.take()
        };
        match session {
            Some(session) => session.close().await,
            None => Ok(()),
        }
    }

    /// A burst to each peer, and as much from each.
    async fn round(
        &self,
        endpoint: &RumpsteakEndpoint<Role>,
        peers: &[Role],
        round: u64,
    ) -> Result<()> {
        let handler = RumpsteakHandler::new();
        for number in round * BURST..(round + 1) * BURST {
            for peer in peers {
                let message = Message::new(self.settings.role, *peer, number);
                handler.send(endpoint, *peer, &message).await?;
                self.state().sent += 1;
            }
        }
        let receive = async |peer: Role| -> Result<()> {
            while self.state().tally.due(peer) < (round + 1) * BURST {
                let message = handler.recv(endpoint, peer).await?;
                self.count(peer, &message);
            }
            Ok(())
        };
        try_join_all(peers.iter().map(|peer| receive(*peer)))
            .await
            .map(drop)
    }

    /// Nothing more may come but the end.
    async fn rest(&self, endpoint: &RumpsteakEndpoint<Role>, peer: Role) -> Result<()> {
        loop {
            match RumpsteakHandler::new().recv(endpoint, peer).await {
                Ok(message) => self.count(peer, &message),
                Err(error) if error.kind() == ErrorKind::Closed => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn count(&self, peer: Role, message: &Message) {
        let due = Message::new(peer, self.settings.role, message.number);
        let is_whole =
            (message.from, message.to) == (due.from, due.to) && message.filling == due.filling;
        self.state().tally.count(peer, message.number, is_whole);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Message {
    /// Of another length and content each time.
    fn new(from: Role, to: Role, number: u64) -> Self {
        let filling = (0..number * 7 % 200).map(|place| (number * 31 + place) as u8);
        Self {
            from,
            to,
            number,
            filling: filling.collect(),
        }
    }
}

/// How many messages all have received, together.
#[must_use]
pub fn received(accounts: &[Account]) -> u64 {
    accounts.iter().map(|account| account.tally.received).sum()
}

/// How many frames it took to send a message, on the average.
#[must_use]
pub fn frames_per_message(accounts: &[Account]) -> f64 {
    let frames: u64 = accounts.iter().map(|account| account.data_frames).sum();
    frames as f64 / received(accounts) as f64
}

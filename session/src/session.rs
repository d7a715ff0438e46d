use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use choreo_core::{Connect, Error, ErrorKind, Result, RoleId, runtime};
use fastrand::Rng;

use crate::core::Core;
use crate::join::Join;
use crate::keeper::{Keeper, Way};
use crate::peer::lost;
use crate::shared::{Kick, Shared};
use crate::status::{Link, Status};
use crate::wire::{Abort, Code, Hello, VERSION};
use crate::{PeerTransport, SessionConfig, Terms, keys};

/// How long a role that was never let in goes on trying.
const FIRST_TRIES: Duration = Duration::from_secs(30);

/// One role's part in a session.
///
/// It lives over any [`Connect`]: connections may break and come back; between two roles nothing
/// is lost, repeated or out of order while both processes live. When all handles are dropped the
/// session closes in order by itself, in the background.
pub struct Session {
    handle: Arc<Handle>,
}

/// What all handles of a session hold; the last one closes it.
pub(crate) struct Handle {
    pub(crate) shared: Arc<Shared>,
    name: String,
    role: String,
}

impl Session {
    /// Joins a session and returns when the role is let in.
    ///
    /// A server that cannot be reached is tried again for 30 seconds, with random pauses.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) for a name that is empty, too long or used twice;
    /// [`Transport`](ErrorKind::Transport) with the server's [`Abort`] as source when the role is
    /// not let in, or when the server cannot be reached.
    ///
    /// # Panics
    /// Natively outside of a tokio runtime.
    ///
    /// # Cancel safety
    /// A session that is not handed out is closed.
    pub async fn join(connect: impl Connect + 'static, config: SessionConfig) -> Result<Self> {
        let hello = hello(&config)?;
        let (instance, peers) = (hello.instance, hello.peers.clone());
        let way = Way::Opened {
            connect: Box::new(connect),
            join: Box::new(Join::new(hello, config.token.clone())),
        };
        let session = Self::spawn(&config, instance, peers, FIRST_TRIES, way)?;
        session.until(|link| *link != Link::Connecting).await?;
        Ok(session)
    }

    /// The session of the other end's connections, for a role that is called.
    pub(crate) fn called(config: &SessionConfig, hello: &Hello, terms: &Terms) -> Result<Self> {
        let peers = hello.peers.clone();
        let (instance, ttl) = (hello.instance, terms.resume_ttl);
        let session = Self::spawn(config, instance, peers, ttl, Way::Offered)?;
        session
            .handle
            .shared
            .state()
            .core
            .ping_every(terms.ping_interval);
        Ok(session)
    }

    fn spawn(
        config: &SessionConfig,
        instance: u128,
        peers: Vec<String>,
        ttl: Duration,
        way: Way,
    ) -> Result<Self> {
        let core = Core::new(instance, peers.len(), config.limits, config.timing);
        let shared = Shared::new(core, peers);
        let keeper = Keeper {
            shared: Arc::clone(&shared),
            way,
            timing: config.timing,
            limits: config.limits,
            ttl,
            rng: Rng::with_seed(u64::from_le_bytes(keys::random()?)),
            failures: 0,
        };
        runtime::spawn(keeper.keep());
        Ok(Self {
            handle: Arc::new(Handle {
                shared,
                name: config.session.clone(),
                role: config.role.clone(),
            }),
        })
    }

    /// The session's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.handle.name
    }

    /// The role that is played here.
    #[must_use]
    pub fn role(&self) -> &str {
        &self.handle.role
    }

    /// The roles that it speaks with.
    #[must_use]
    pub fn peers(&self) -> &[String] {
        &self.handle.shared.peers
    }

    /// The way to a peer.
    ///
    /// # Errors
    /// [`UnknownRole`](ErrorKind::UnknownRole) if the configuration does not name it.
    pub fn peer(&self, role: &impl RoleId) -> Result<PeerTransport> {
        let name = role.name();
        let peers = &self.handle.shared.peers;
        let index = peers.iter().position(|peer| *peer == name).ok_or_else(|| {
            let mut detail = format!("{name} is no peer in this session; there are: ");
            for (index, peer) in peers.iter().enumerate() {
                detail += if index == 0 { "" } else { ", " };
                detail += peer;
            }
            Error::new(ErrorKind::UnknownRole, detail)
        })?;
        Ok(PeerTransport::new(Arc::clone(&self.handle), index))
    }

    /// The ways to several peers, to fill an endpoint with.
    ///
    /// # Errors
    /// As [`peer`](Self::peer).
    pub fn transports<R: RoleId>(
        &self,
        roles: impl IntoIterator<Item = R>,
    ) -> Result<Vec<(R, PeerTransport)>> {
        let mut transports = Vec::new();
        for role in roles {
            let transport = self.peer(&role)?;
            transports.push((role, transport));
        }
        Ok(transports)
    }

    /// How the session is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.handle.shared.status()
    }

    /// Waits until the connection is opened, breaks or ends, and tells how the session is then.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn changed(&self) -> Status {
        let shared = &self.handle.shared;
        let before = shared.state().link.clone();
        let look = || {
            let changed = shared.state().link != before;
            match changed {
                true => Poll::Ready(shared.status()),
                false => Poll::Pending,
            }
        };
        shared.watchers.until(look).await
    }

    /// Looks at once whether the connection is alive, and opens another if it is not there: for
    /// pages that come back from the background, and networks that come back.
    pub fn nudge(&self) {
        self.handle.shared.kick(Kick::Hurry);
    }

    /// Gives the connection up and opens another. Nothing is lost.
    pub fn reconnect(&self) {
        let connection = self.handle.shared.state().connections;
        self.handle.shared.broken(connection);
    }

    /// Ends all streams, waits until everything has arrived, and leaves.
    ///
    /// # Errors
    /// [`Transport`](ErrorKind::Transport) when the session is lost, or a peer did not acknowledge
    /// the last messages within [`Timing::linger`](crate::Timing::linger): the others see that
    /// error, too.
    ///
    /// # Cancel safety
    /// Closing goes on in the background.
    pub async fn close(self) -> Result<()> {
        self.handle.close();
        self.until(|link| matches!(link, Link::Closed)).await
    }

    /// Ends the session at once for all its roles; they see the reason.
    pub fn abort(&self, reason: impl std::fmt::Display) {
        let shared = &self.handle.shared;
        shared.state().core.abort(Abort::new(Code::Expired, reason));
        shared.flush();
        shared.change();
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }

    /// Waits for a state of the connection; an error if the session is lost before.
    async fn until(&self, wanted: fn(&Link) -> bool) -> Result<()> {
        let shared = &self.handle.shared;
        let look = || match &shared.state().link {
            Link::Lost(abort) => Poll::Ready(Err(lost(abort.clone()))),
            link if wanted(link) => Poll::Ready(Ok(())),
            _ => Poll::Pending,
        };
        shared.watchers.until(look).await
    }
}

impl Handle {
    fn close(&self) {
        {
            let now = self.shared.now();
            let mut state = self.shared.state();
            state.closing.get_or_insert(now);
            (0..self.shared.peers.len()).for_each(|peer| state.core.close(peer));
        }
        self.shared.flush();
        self.shared.kick(Kick::Hurry);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// What the role says of itself.
fn hello(config: &SessionConfig) -> Result<Hello> {
    let hello = Hello {
        versions: vec![VERSION],
        fingerprint: config.fingerprint,
        session: config.session.clone(),
        role: config.role.clone(),
        instance: u128::from_le_bytes(keys::random()?),
        epoch: 0,
        token: None,
        peers: config.peers.clone(),
        limits: config.limits,
    };
    let checked = hello.check();
    checked.map_err(|abort| Error::new(ErrorKind::Config, abort.reason()))?;
    Ok(hello)
}

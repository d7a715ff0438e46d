use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use choreo_core::runtime::{self, Instant};
use choreo_core::{Error, ErrorKind, ProtocolRole, Result, RoleId, Transport};

use crate::admission::{Admission, Admitted, Authority, Greeting, Terms};
use crate::keeper::Opened;
use crate::shared::{Kick, Shared};
use crate::status::Link;
use crate::wire::{Abort, Code, Frame, Hello, Kind};
use crate::{Session, SessionConfig, keys};

/// How long somebody may take to be let in.
const GREETING_TIME: Duration = Duration::from_secs(5);

/// Lets other roles call this one directly, without a relay between them.
///
/// Hand each connection that a server accepts to [`accept`](Self::accept): the first of a role
/// gives its [`Session`], with that role as the one peer; a later one resumes it.
pub struct Acceptor {
    role: String,
    begun: Instant,
    state: Mutex<State>,
}

struct State {
    admission: Admission,
    /// By the session's name and the caller's role.
    sessions: HashMap<(String, String), Called>,
}

/// A session with one caller.
struct Called {
    shared: Arc<Shared>,
    /// When it was seen to have ended. It is kept for a while, for a caller that missed the end.
    ended: Option<Instant>,
}

/// Who called.
pub enum Accepted {
    /// A role for the first time.
    Joined(Session),
    /// A role whose connection had broken; its session goes on.
    Resumed {
        /// The session's name.
        session: String,
        /// The role.
        role: String,
    },
}

impl Acceptor {
    /// Lets the roles that the authority admits call `role`.
    ///
    /// # Errors
    /// When the platform gives no random numbers.
    pub fn new(
        role: &impl RoleId,
        authority: impl Authority + 'static,
        terms: Terms,
    ) -> Result<Self> {
        Ok(Self {
            role: role.name(),
            begun: Instant::now(),
            state: Mutex::new(State {
                admission: Admission::new(authority, terms, None)?,
                sessions: HashMap::new(),
            }),
        })
    }

    /// Lets the roles that the authority admits call a role of a protocol, if they speak the same.
    ///
    /// # Errors
    /// When the platform gives no random numbers.
    pub fn playing<R: ProtocolRole>(
        role: R,
        authority: impl Authority + 'static,
        terms: Terms,
    ) -> Result<Self> {
        let acceptor = Self::new(&role, authority, terms)?;
        Ok(acceptor.with_fingerprint(R::FINGERPRINT))
    }

    /// Refuses callers that speak another protocol.
    #[must_use]
    pub fn with_fingerprint(self, fingerprint: u64) -> Self {
        let state = self.state.into_inner();
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.admission = state.admission.with_fingerprint(fingerprint);
        Self {
            state: Mutex::new(state),
            ..self
        }
    }

    /// Lets a caller in, or tells it why not and closes the connection.
    ///
    /// # Errors
    /// [`Transport`](ErrorKind::Transport) with the [`Abort`] as source, when it is not let in
    /// (within 5 seconds and 4 KiB), or its connection breaks.
    ///
    /// # Panics
    /// Natively outside of a tokio runtime.
    ///
    /// # Cancel safety
    /// The connection is dropped; the caller tries again.
    pub async fn accept(&self, transport: impl Transport + 'static) -> Result<Accepted> {
        let transport: Arc<dyn Transport> = Arc::new(transport);
        self.state().forget();
        let admitted = runtime::timeout(GREETING_TIME, self.greet(transport.as_ref())).await;
        let late = || Err(Abort::new(Code::Timeout, "not let in within 5 seconds").into());
        let refused = match admitted.unwrap_or_else(|_| late()) {
            Ok(admitted) => match self.take(&admitted, &transport).await {
                Ok(accepted) => return Ok(accepted),
                Err(refused) => {
                    let now = self.begun.elapsed();
                    self.state().admission.away(&admitted.hello, now);
                    refused
                }
            },
            Err(refused) => refused,
        };
        if let Refused::Told(abort) = &refused {
            let goodbye = async {
                let _ = transport.send(abort.to_frame(0).to_bytes()).await;
                let _ = transport.close().await;
            };
            let _ = runtime::timeout(Duration::from_secs(1), goodbye).await;
        }
        Err(refused.into_error())
    }

    async fn greet(&self, transport: &dyn Transport) -> Result<Admitted, Refused> {
        let frame = next(transport).await?;
        let greeting = self.state().admission.hello(&frame, self.begun.elapsed())?;
        match greeting {
            Greeting::Welcome(admitted) => Ok(admitted),
            Greeting::Challenge(visitor, challenge) => {
                transport.send(challenge.to_bytes()).await?;
                let proof = next(transport).await?;
                let now = self.begun.elapsed();
                Ok(self.state().admission.proof(visitor, &proof, now)?)
            }
        }
    }

    /// Gives the connection to the caller's session, a new one if there is none.
    async fn take(
        &self,
        admitted: &Admitted,
        transport: &Arc<dyn Transport>,
    ) -> Result<Accepted, Refused> {
        let hello = &admitted.hello;
        if hello.peers != [self.role.as_str()] {
            let reason = format_args!("{} speaks with nobody else here", self.role);
            return Err(Abort::new(Code::Forbidden, reason).into());
        }
        let key = (hello.session.clone(), hello.role.clone());
        let known = {
            let state = self.state();
            let called = state.sessions.get(&key);
            called.map(|called| called.shared.state().link.clone())
        };
        match &known {
            Some(Link::Lost(abort)) => return Err(abort.clone().into()),
            None if hello.token.is_none() => {
                let reason = "the session is not known here any more";
                return Err(Abort::new(Code::Expired, reason).into());
            }
            _ => {}
        }
        transport.send(admitted.welcome.to_bytes()).await?;
        // Not before: a session of which neither the caller nor the application heard is none.
        let (shared, joined) = self.known_or_new(key, admitted)?;
        if known == Some(Link::Closed) {
            // The caller missed that this role has left.
            transport.send(Frame::new(Kind::Fin, 0).to_bytes()).await?;
            transport.close().await?;
        } else {
            let older = shared.state().offered.replace(Opened {
                transport: Arc::clone(transport),
                limits: admitted.limits,
                rest: Bytes::new(),
            });
            drop(older);
            shared.kick(Kick::Hurry);
        }
        Ok(joined.map_or_else(
            || Accepted::Resumed {
                session: hello.session.clone(),
                role: hello.role.clone(),
            },
            Accepted::Joined,
        ))
    }

    /// The caller's session; a new one is given out, too.
    fn known_or_new(
        &self,
        key: (String, String),
        admitted: &Admitted,
    ) -> Result<(Arc<Shared>, Option<Session>), Refused> {
        let mut state = self.state();
        if let Some(called) = state.sessions.get(&key) {
            return Ok((Arc::clone(&called.shared), None));
        }
        let session = self.session(admitted, state.admission.terms())?;
        let shared = Arc::clone(session.shared());
        let called = Called {
            shared: Arc::clone(&shared),
            ended: None,
        };
        state.sessions.insert(key, called);
        Ok((shared, Some(session)))
    }

    fn session(&self, admitted: &Admitted, terms: &Terms) -> Result<Session, Refused> {
        let hello = &admitted.hello;
        let config = SessionConfig::new(&hello.session, self.role.clone(), [hello.role.clone()])
            .with_limits(admitted.limits);
        let own = Hello {
            instance: u128::from_le_bytes(keys::random()?),
            role: self.role.clone(),
            peers: vec![hello.role.clone()],
            token: None,
            ..hello.clone()
        };
        Ok(Session::called(&config, &own, terms)?)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets the sessions that ended a while ago, or at all when there is no room for others.
    fn forget(&mut self) {
        let terms = self.admission.terms();
        let full = self.admission.sessions() >= terms.sessions;
        let ttl = if full {
            Duration::ZERO
        } else {
            terms.resume_ttl
        };
        let mut over = Vec::new();
        self.sessions.retain(|(session, _), called| {
            let kept = called.is_kept(ttl);
            if !kept {
                over.push(session.clone());
            }
            kept
        });
        if !over.is_empty() {
            let going_on: HashSet<_> = self.sessions.keys().map(|(session, _)| session).collect();
            for session in over.iter().filter(|session| !going_on.contains(session)) {
                self.admission.end(session);
            }
        }
    }
}

impl Called {
    fn is_kept(&mut self, ttl: Duration) -> bool {
        let over = matches!(self.shared.state().link, Link::Closed | Link::Lost(_));
        let ended = over.then(|| *self.ended.get_or_insert_with(Instant::now));
        ended.is_none_or(|ended| ended.elapsed() < ttl)
    }
}

/// The next frame of somebody who is not in yet.
async fn next(transport: &dyn Transport) -> Result<Frame, Refused> {
    let Some(bytes) = transport.recv().await? else {
        let detail = "the caller closed the connection before it was let in";
        return Err(Error::new(ErrorKind::Transport, detail).into());
    };
    Ok(Frame::greeting(bytes)?)
}

/// Why somebody is not let in.
enum Refused {
    /// It is told.
    Told(Abort),
    /// Its connection broke.
    Broken(Error),
}

impl Refused {
    fn into_error(self) -> Error {
        match self {
            Self::Told(abort) => {
                Error::new(ErrorKind::Transport, "a caller was not let in").with_source(abort)
            }
            Self::Broken(error) => error,
        }
    }
}

impl From<Abort> for Refused {
    fn from(abort: Abort) -> Self {
        Self::Told(abort)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use choreo_core::queue::Queue;
use choreo_core::{Error, ErrorKind, Incoming, PeerMap, Result, RoleId};

use crate::InMemoryHandler;

/// Joins the roles of one session within a process.
///
/// Each role [joins](Self::join) once and gets its handler; any number of roles can. A network is
/// cheap to make and to clone (clones are the same network), so a process holds as many sessions
/// as it likes, each with its own.
///
/// ```
/// use choreo_core::ChoreoHandlerExt;
/// use choreo_handler_inmemory::InMemoryNetwork;
///
/// #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
/// enum Role { Alice, Bob }
///
/// # futures::executor::block_on(async {
/// let network = InMemoryNetwork::new();
/// let alice = network.join(Role::Alice)?;
/// let bob = network.join(Role::Bob)?;
///
/// alice.send(&(), Role::Bob, &"hello").await?;
/// assert_eq!(bob.recv::<String>(&(), Role::Alice).await?, "hello");
/// # Ok::<(), choreo_core::Error>(()) }).unwrap();
/// ```
pub struct InMemoryNetwork<R> {
    shared: Arc<Shared<R>>,
}

/// A queue of payloads from one role to another.
pub(crate) type Link = Arc<Queue<Incoming>>;

/// The queues between two roles, as one of them sees them.
pub(crate) struct Links {
    pub(crate) to: Link,
    pub(crate) from: Link,
}

struct Shared<R> {
    capacity: usize,
    /// The roles that there are; empty where any may join.
    roles: Vec<R>,
    seats: PeerMap<R, Mutex<Seat<R>>>,
}

/// What is known of a role that has joined, or that somebody has spoken to.
struct Seat<R> {
    presence: Presence,
    /// The queues between this role and others.
    links: Vec<Way<R>>,
}

struct Way<R> {
    from: R,
    to: R,
    link: Link,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Awaited,
    Joined,
    Left,
}

impl<R: RoleId> InMemoryNetwork<R> {
    /// How many payloads wait between two roles, per direction, unless told otherwise.
    pub const DEFAULT_CAPACITY: usize = 32;

    /// A network that any role may join.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY)
    }

    /// A network with another bound: `capacity` payloads wait between two roles, per direction;
    /// a send that finds as many waits until one is received. A capacity of 0 counts as 1.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::build(Vec::new(), capacity)
    }

    /// A network of exactly these roles: joining as, sending to and receiving from any other is
    /// an error that lists them.
    #[must_use]
    pub fn of(roles: impl IntoIterator<Item = R>) -> Self {
        Self::build(roles.into_iter().collect(), Self::DEFAULT_CAPACITY)
    }

    fn build(roles: Vec<R>, capacity: usize) -> Self {
        let capacity = capacity.max(1);
        let seats = PeerMap::new();
        Self {
            shared: Arc::new(Shared {
                capacity,
                roles,
                seats,
            }),
        }
    }

    /// The handler that plays `role`. The role leaves when the handler is dropped.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when the role has joined before: each plays once, since
    /// its peers could not tell a second player from the first.
    /// [`UnknownRole`](ErrorKind::UnknownRole) when the network is [of](Self::of) other roles.
    pub fn join(&self, role: R) -> Result<InMemoryHandler<R>> {
        self.check(&role)?;
        let why = {
            let mut seat = self.seat(&role);
            match std::mem::replace(&mut seat.presence, Presence::Joined) {
                Presence::Awaited => {
                    drop(seat);
                    return Ok(InMemoryHandler::joined(self.clone(), role));
                }
                Presence::Joined => "has joined this network already",
                Presence::Left => {
                    seat.presence = Presence::Left;
                    "has left this network"
                }
            }
        };
        Err(Error::new(
            ErrorKind::Config,
            format!(
                "{} {why}; a role joins once, use a new network for a new session",
                role.name()
            ),
        ))
    }

    /// Marks the one role of a new network as joined.
    pub(crate) fn seat_first(&self, role: &R) {
        self.seat(role).presence = Presence::Joined;
    }

    /// How many payloads wait between two roles, per direction.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.capacity
    }

    /// The queues between a role and a peer.
    pub(crate) fn links(&self, role: &R, peer: &R) -> Result<Links> {
        self.check(peer)?;
        if role == peer {
            return Err(Error::new(
                ErrorKind::Config,
                "a role does not speak to itself",
            ));
        }
        Ok(Links {
            to: self.link(role, peer),
            from: self.link(peer, role),
        })
    }

    /// The queue from one role to another: the one that is there, or a new one.
    fn link(&self, from: &R, to: &R) -> Link {
        let new = Arc::new(Queue::new(self.shared.capacity));
        let link = self.enter(from, from, to, new);
        self.enter(to, from, to, link)
    }

    /// Enters a queue at the seat of one of its ends, unless there is one already; gives that.
    fn enter(&self, role: &R, from: &R, to: &R, link: Link) -> Link {
        let mut seat = self.seat(role);
        let mut known = seat.links.iter();
        if let Some(way) = known.find(|way| way.from == *from && way.to == *to) {
            return Arc::clone(&way.link);
        }
        if seat.presence == Presence::Left {
            link.close();
        }
        seat.links.push(Way {
            from: from.clone(),
            to: to.clone(),
            link: Arc::clone(&link),
        });
        link
    }

    /// Marks a role as gone: what it has sent can still be received, and nothing more.
    pub(crate) fn leave(&self, role: &R) {
        let mut seat = self.seat(role);
        seat.presence = Presence::Left;
        let links: Vec<Link> = seat.links.iter().map(|way| Arc::clone(&way.link)).collect();
        drop(seat);
        // Wakes whoever waits on them, so not while the seat is locked.
        for link in links {
            link.close();
        }
    }

    fn seat(&self, role: &R) -> MutexGuard<'_, Seat<R>> {
        let seat = self.shared.seats.get_or_insert_with(role, Mutex::default);
        seat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, role: &R) -> Result<()> {
        let roles = &self.shared.roles;
        if roles.is_empty() || roles.contains(role) {
            return Ok(());
        }
        let mut there_are = String::new();
        for role in roles {
            there_are.push_str(if there_are.is_empty() { "" } else { ", " });
            there_are.push_str(&role.name());
        }
        Err(Error::new(
            ErrorKind::UnknownRole,
            format!(
                "{} is none of this network's roles: {there_are}",
                role.name()
            ),
        ))
    }
}

impl<R> Default for Seat<R> {
    fn default() -> Self {
        Self {
            presence: Presence::Awaited,
            links: Vec::new(),
        }
    }
}

impl<R> Clone for InMemoryNetwork<R> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<R: RoleId> Default for InMemoryNetwork<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: RoleId> fmt::Debug for InMemoryNetwork<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seats = self.shared.seats.iter();
        let joined = seats.filter(|(role, _)| self.seat(role).presence == Presence::Joined);
        f.debug_struct("InMemoryNetwork")
            .field("capacity", &self.shared.capacity)
            .field("joined", &joined.map(|(role, _)| role).collect::<Vec<_>>())
            .finish()
    }
}

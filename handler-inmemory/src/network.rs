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

struct Shared<R> {
    capacity: usize,
    /// The roles that there are; empty where any may join.
    roles: Vec<R>,
    seats: PeerMap<R, Seat<R>>,
}

/// What is known of a role that has joined, or that somebody has spoken to.
struct Seat<R> {
    /// The queues from this role.
    links: PeerMap<R, Link>,
    state: Mutex<SeatState>,
}

#[derive(Default)]
struct SeatState {
    presence: Presence,
    /// To close when the role leaves.
    links: Vec<Link>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Presence {
    #[default]
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
        let mut seat = self.seat(&role).state();
        let refused = match seat.presence {
            Presence::Awaited => None,
            Presence::Joined => Some("has joined this network already"),
            Presence::Left => Some("has left this network"),
        };
        if let Some(why) = refused {
            let what = "a role joins once, use a new network for a new session";
            return Err(Error::new(
                ErrorKind::Config,
                format!("{} {why}; {what}", role.name()),
            ));
        }
        seat.presence = Presence::Joined;
        drop(seat);
        Ok(InMemoryHandler::joined(self.clone(), role))
    }

    /// Marks the one role of a new network as joined.
    pub(crate) fn seat_first(&self, role: &R) {
        self.seat(role).state().presence = Presence::Joined;
    }

    /// How many payloads wait between two roles, per direction.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.shared.capacity
    }

    /// The queue from one role to another.
    pub(crate) fn link(&self, from: &R, to: &R, me: &R) -> Result<Link> {
        self.check(if me == from { to } else { from })?;
        if from == to {
            return Err(Error::new(
                ErrorKind::Config,
                "a role does not speak to itself",
            ));
        }
        let new = || Link::new(Queue::new(self.shared.capacity));
        let link = self.seat(from).links.get_or_insert_with(to, new);
        // Each side comes here once, whoever is first; to close a link twice is no harm.
        for role in [from, to] {
            let mut seat = self.seat(role).state();
            if seat.presence == Presence::Left {
                link.close();
            } else {
                seat.links.push(Arc::clone(link));
            }
        }
        Ok(Arc::clone(link))
    }

    /// Marks a role as gone: what it has sent can still be received, and nothing more.
    pub(crate) fn leave(&self, role: &R) {
        let mut seat = self.seat(role).state();
        seat.presence = Presence::Left;
        let links = std::mem::take(&mut seat.links);
        drop(seat);
        // Wakes whoever waits on them, so not while the seat is locked.
        for link in links {
            link.close();
        }
    }

    fn seat(&self, role: &R) -> &Seat<R> {
        self.shared.seats.get_or_insert_with(role, Seat::default)
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

impl<R> Seat<R> {
    fn state(&self) -> MutexGuard<'_, SeatState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R> Default for Seat<R> {
    fn default() -> Self {
        Self {
            links: PeerMap::new(),
            state: Mutex::default(),
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
        let joined = seats.filter(|(_, seat)| seat.state().presence == Presence::Joined);
        f.debug_struct("InMemoryNetwork")
            .field("capacity", &self.shared.capacity)
            .field("joined", &joined.map(|(role, _)| role).collect::<Vec<_>>())
            .finish()
    }
}

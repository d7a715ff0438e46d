//! Roles over HTTP, and the sockets that carry their requests.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use choreo_transport_fetch::ConnectionId;
use tokio::sync::watch;

use crate::gate::Pass;

/// As many sockets a role has for itself: one for what goes up, one for what comes down.
const SOCKETS: usize = 2;

/// Those who are there over HTTP.
#[derive(Clone, Default)]
pub(crate) struct Carried(Arc<Mutex<HashMap<ConnectionId, Weak<Role>>>>);

/// One of them, in or not yet.
pub(crate) struct Role {
    id: ConnectionId,
    all: Carried,
    state: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    /// Whether it was let in.
    is_in: bool,
    /// Those that it used last, the latest at the end.
    sockets: VecDeque<Arc<Socket>>,
}

/// A socket that our own server has accepted, and its right to be there.
///
/// A role that is in vouches for the two sockets that it used last. One for which nobody vouched
/// within the time for newcomers is closed; one for which nobody vouches any more serves the
/// request that is under way, and is closed then. So sockets end with the roles that they carried.
pub(crate) struct Socket {
    pass: Mutex<Option<Pass>>,
    standing: watch::Sender<Standing>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    New,
    VouchedBy(usize),
    Retired,
}

impl Carried {
    /// The role of that connection, if it is there.
    pub(crate) fn get(&self, id: ConnectionId) -> Option<Arc<Role>> {
        self.roles().get(&id)?.upgrade()
    }

    /// The role of that connection, which is there from now on, for as long as it is kept.
    pub(crate) fn begin(&self, id: ConnectionId) -> Arc<Role> {
        let mut roles = self.roles();
        if let Some(role) = roles.get(&id).and_then(Weak::upgrade) {
            return role;
        }
        let role = Arc::new(Role {
            id,
            all: self.clone(),
            state: Mutex::default(),
        });
        roles.insert(id, Arc::downgrade(&role));
        role
    }

    fn roles(&self) -> MutexGuard<'_, HashMap<ConnectionId, Weak<Role>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Role {
    /// A request of it came by that socket.
    pub(crate) fn uses(&self, socket: &Arc<Socket>) {
        let mut used = self.used();
        let mut known = used.sockets.iter();
        if let Some(at) = known.position(|one| Arc::ptr_eq(one, socket)) {
            let socket = used.sockets.remove(at);
            used.sockets.extend(socket);
            return;
        }
        if used.is_in {
            socket.vouched();
        }
        used.sockets.push_back(Arc::clone(socket));
        if used.sockets.len() > SOCKETS
            && let Some(oldest) = used.sockets.pop_front()
            && used.is_in
        {
            oldest.let_go();
        }
    }

    /// It was let in.
    pub(crate) fn let_in(&self) {
        let mut used = self.used();
        if !std::mem::replace(&mut used.is_in, true) {
            used.sockets.iter().for_each(|socket| socket.vouched());
        }
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let used = std::mem::take(&mut *self.used());
        if used.is_in {
            used.sockets.iter().for_each(|socket| socket.let_go());
        }
        let mut roles = self.all.roles();
        // Another of that name may have begun.
        if roles
            .get(&self.id)
            .is_some_and(|role| role.strong_count() == 0)
        {
            roles.remove(&self.id);
        }
    }
}

impl Socket {
    pub(crate) fn new(pass: Pass) -> Arc<Self> {
        Arc::new(Self {
            pass: Mutex::new(Some(pass)),
            standing: watch::Sender::new(Standing::New),
        })
    }

    /// The pass, for what the socket becomes.
    pub(crate) fn take_pass(&self) -> Option<Pass> {
        self.pass().take()
    }

    /// Waits until nobody vouches for it any more.
    pub(crate) async fn retired(&self) {
        let mut standing = self.standing.subscribe();
        // The sender lives as long as this does.
        let _ = standing.wait_for(|now| *now == Standing::Retired).await;
    }

    /// Waits until somebody has vouched for it.
    pub(crate) async fn vouched_for(&self) {
        let mut standing = self.standing.subscribe();
        // As above.
        let _ = standing.wait_for(|now| *now != Standing::New).await;
    }

    fn vouched(&self) {
        if let Some(pass) = self.pass().as_mut() {
            pass.let_in();
        }
        self.standing.send_modify(|now| match now {
            Standing::New => *now = Standing::VouchedBy(1),
            Standing::VouchedBy(roles) => *roles += 1,
            Standing::Retired => {}
        });
    }

    fn let_go(&self) {
        self.standing.send_modify(|now| match now {
            Standing::VouchedBy(roles) if *roles > 1 => *roles -= 1,
            _ => *now = Standing::Retired,
        });
    }

    fn pass(&self) -> MutexGuard<'_, Option<Pass>> {
        self.pass.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

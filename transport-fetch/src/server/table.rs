use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::connection::Connection;
use crate::Limits;
use crate::wire::Id;

/// The connections that are there.
pub(super) struct Table {
    connections: Mutex<HashMap<Id, Arc<Connection>>>,
    most: usize,
}

impl Table {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let connections = Mutex::default();
        Arc::new(Self { connections, most })
    }

    pub(super) fn get(&self, id: Id) -> Option<Arc<Connection>> {
        self.connections().get(&id).cloned()
    }

    /// The connection of that name, and whether it is new; `None` if there are too many.
    pub(super) fn open(&self, id: Id, limits: Limits) -> Option<(Arc<Connection>, bool)> {
        let mut connections = self.connections();
        if let Some(connection) = connections.get(&id) {
            return Some((connection.clone(), false));
        }
        if connections.len() >= self.most {
            return None;
        }
        let connection = Arc::new(Connection::new(limits));
        connections.insert(id, connection.clone());
        Some((connection, true))
    }

    pub(super) fn remove(&self, id: Id) {
        self.connections().remove(&id);
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<Id, Arc<Connection>>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

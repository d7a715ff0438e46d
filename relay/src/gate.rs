use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::RelayConfig;

/// Counts connections, so that there are never too many.
pub(crate) struct Gate {
    counts: Mutex<Counts>,
    connections: watch::Sender<usize>,
    /// The most in all, of newcomers, and of newcomers from one address.
    most: (usize, usize, usize),
}

#[derive(Default)]
struct Counts {
    newcomers: usize,
    /// Of newcomers only, so that it is empty again when nobody comes.
    by_address: HashMap<IpAddr, usize>,
}

/// The right of one connection to be there, for as long as it is.
pub(crate) struct Pass {
    gate: Arc<Gate>,
    address: Option<IpAddr>,
    newcomer: bool,
    then: Option<Box<dyn FnOnce() + Send>>,
}

impl Gate {
    pub(crate) fn new(config: &RelayConfig) -> Arc<Self> {
        let most = (
            config.connections,
            config.newcomers,
            config.newcomers_per_address,
        );
        Arc::new(Self {
            counts: Mutex::default(),
            connections: watch::Sender::new(0),
            most,
        })
    }

    /// Lets a connection come in, if there is room.
    pub(crate) fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Pass> {
        let (connections, newcomers, per_address) = self.most;
        let address = address.map(|address| address.to_canonical());
        let mut counts = self.counts();
        let from_there = address.and_then(|address| counts.by_address.get(&address));
        let from_there = from_there.copied().unwrap_or_default();
        if self.connections() >= connections
            || counts.newcomers >= newcomers
            || from_there >= per_address
        {
            return None;
        }
        counts.newcomers += 1;
        if let Some(address) = address {
            counts.by_address.insert(address, from_there + 1);
        }
        self.connections
            .send_modify(|connections| *connections += 1);
        Some(Pass {
            gate: Arc::clone(self),
            address,
            newcomer: true,
            then: None,
        })
    }

    /// How many connections there are.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.borrow()
    }

    /// Waits until there is none.
    pub(crate) async fn empty(&self) {
        let mut connections = self.connections.subscribe();
        // The sender lives as long as this does.
        let _ = connections.wait_for(|connections| *connections == 0).await;
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass {
    /// Does this once the connection is no newcomer any more.
    pub(crate) fn when_in(&mut self, then: impl FnOnce() + Send + 'static) {
        self.then = Some(Box::new(then));
    }

    /// The connection is no newcomer any more.
    pub(crate) fn let_in(&mut self) {
        self.stop_counting();
        if let Some(then) = self.then.take() {
            then();
        }
    }

    fn stop_counting(&mut self) {
        if !std::mem::take(&mut self.newcomer) {
            return;
        }
        let mut counts = self.gate.counts();
        counts.newcomers -= 1;
        if let Some(address) = self.address
            && let Some(count) = counts.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&address);
            }
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.stop_counting();
        // Under the lock, as in `enter`, so that nobody counts in between.
        let _counts = self.gate.counts();
        let connections = &self.gate.connections;
        connections.send_modify(|connections| *connections -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newcomers_are_counted_by_address_until_they_are_let_in() {
        let config = RelayConfig::default()
            .with_connections(4)
            .with_newcomers(3, 2);
        let gate = Gate::new(&config);
        let here = "10.0.0.1".parse().ok();
        let mapped = "::ffff:10.0.0.1".parse().ok();
        let there = "10.0.0.2".parse().ok();
        let mut first = gate.enter(here).unwrap();
        let second = gate.enter(mapped).unwrap();
        assert!(gate.enter(here).is_none(), "two from there are enough");
        let third = gate.enter(there).unwrap();
        assert!(gate.enter(None).is_none(), "three newcomers are enough");
        first.let_in();
        let fourth = gate.enter(here).unwrap();
        assert!(gate.enter(None).is_none(), "four connections are enough");
        drop((first, second, third, fourth));
        assert_eq!(gate.connections(), 0);
        assert!(gate.counts().by_address.is_empty());
    }
}

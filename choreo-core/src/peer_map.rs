use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::OnceLock;

use crate::runtime::RoleHasher;

/// What a handler or layer keeps for each peer: grows only, and looking up takes no lock.
///
/// A role speaks to few peers, and to the same ones again and again: the first peer is found by
/// one comparison, without hashing. Thousands of peers take a few steps each.
///
/// ```
/// use choreo_core::PeerMap;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// let sends = PeerMap::<&str, AtomicU64>::new();
/// sends.get_or_insert_with(&"Bob", Default::default).fetch_add(1, Ordering::Relaxed);
/// sends.get_or_insert_with(&"Bob", Default::default).fetch_add(1, Ordering::Relaxed);
///
/// let counts: Vec<_> = sends.iter().map(|(peer, n)| (*peer, n.load(Ordering::Relaxed))).collect();
/// assert_eq!(counts, [("Bob", 2)]);
/// ```
pub struct PeerMap<R, T> {
    root: OnceLock<Box<Node<R, T>>>,
    hasher: RoleHasher,
}

/// A tree: below each node hang four, told apart by the next two bits of the key's hash.
struct Node<R, T> {
    key: R,
    value: T,
    children: [OnceLock<Box<Node<R, T>>>; 4],
}

impl<R, T> PeerMap<R, T> {
    /// A map of no peers.
    #[must_use]
    pub fn new() -> Self {
        Self {
            root: OnceLock::new(),
            hasher: RoleHasher::default(),
        }
    }

    /// All peers and what is kept for them, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&R, &T)> {
        let mut stack: Vec<_> = self.root.get().into_iter().collect();
        std::iter::from_fn(move || {
            let node = stack.pop()?;
            stack.extend(node.children.iter().filter_map(OnceLock::get));
            Some((&node.key, &node.value))
        })
    }
}

impl<R: Clone + Eq + Hash, T> PeerMap<R, T> {
    /// What is kept for a peer, if anything.
    #[must_use]
    pub fn get(&self, peer: &R) -> Option<&T> {
        self.find(peer).ok()
    }

    /// What is kept for a peer, made by `make` the first time.
    ///
    /// Two threads that come first at once may both call `make`; one of the values is dropped.
    pub fn get_or_insert_with(&self, peer: &R, make: impl FnOnce() -> T) -> &T {
        match self.find(peer) {
            Ok(value) => value,
            Err(_) => self.insert(peer, make()),
        }
    }

    /// Keeps a value for a peer, unless there is one already; gives what is kept.
    pub fn insert(&self, peer: &R, value: T) -> &T {
        let mut node = Some(Box::new(Node {
            key: peer.clone(),
            value,
            children: [const { OnceLock::new() }; 4],
        }));
        loop {
            match self.find(peer) {
                Ok(value) => return value,
                // Where another thread is faster with another peer, the way goes on below it.
                Err(slot) => node = node.and_then(|node| slot.set(node).err()),
            }
        }
    }

    /// Apart from what looks up the first peer, which is most calls.
    #[cold]
    fn hash_of(&self, peer: &R) -> u64 {
        self.hasher.hash_one(peer)
    }

    /// The value, or the empty slot where it belongs.
    fn find(&self, peer: &R) -> Result<&T, &OnceLock<Box<Node<R, T>>>> {
        let mut slot = &self.root;
        let mut hash = None;
        while let Some(node) = slot.get() {
            if node.key == *peer {
                return Ok(&node.value);
            }
            let bits = hash.get_or_insert_with(|| self.hash_of(peer));
            slot = &node.children[(*bits >> 62) as usize];
            *bits <<= 2;
        }
        Err(slot)
    }
}

impl<R, T> Default for PeerMap<R, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: fmt::Debug, T: fmt::Debug> fmt::Debug for PeerMap<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_one_value_for_each_of_many_peers() {
        let map = PeerMap::new();
        for round in 0..2 {
            for peer in 0..10_000_u32 {
                assert_eq!(*map.get_or_insert_with(&peer, || (peer, round)), (peer, 0));
            }
        }
        let mut peers: Vec<u32> = map.iter().map(|(peer, _)| *peer).collect();
        peers.sort_unstable();
        assert_eq!(peers, (0..10_000).collect::<Vec<_>>());
        assert_eq!(map.get(&10_000), None);
    }

    /// A key whose hash says nothing: all lie on one path.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Collides(u32);

    impl Hash for Collides {
        fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
    }

    #[test]
    fn holds_when_all_hashes_collide() {
        let map = PeerMap::new();
        for peer in 0..200 {
            map.get_or_insert_with(&Collides(peer), || peer);
        }
        assert!((0..200).all(|peer| map.get(&Collides(peer)) == Some(&peer)));
    }

    #[cfg(not(target_arch = "wasm32"))]
    #[test]
    fn threads_agree_on_the_value() {
        let map = PeerMap::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for peer in 0..1_000_u32 {
                        map.get_or_insert_with(&peer, || std::sync::atomic::AtomicU32::new(0))
                            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                });
            }
        });
        assert!(
            map.iter()
                .all(|(_, n)| n.load(std::sync::atomic::Ordering::Relaxed) == 4)
        );
        assert_eq!(map.iter().count(), 1_000);
    }
}

use std::borrow::Borrow;

/// A map in the order of its keys. That of `std` would take kilobytes of a wasm module.
#[derive(Debug)]
pub(crate) struct Sorted<K, V>(Vec<(K, V)>);

impl<K: Ord, V> Sorted<K, V> {
    /// The value of a key, made the first time.
    pub(crate) fn entry<Q>(&mut self, key: &Q, make: impl FnOnce() -> (K, V)) -> &mut V
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let found = self
            .0
            .binary_search_by(|(known, _)| known.borrow().cmp(key));
        let place = found.unwrap_or_else(|place| {
            self.0.insert(place, make());
            place
        });
        &mut self.0[place].1
    }
}

#[cfg(feature = "metrics")]
impl<K, V> Sorted<K, V> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.0.iter()
    }
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

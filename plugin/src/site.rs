use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What plug-ins share: one value of each type, which they find or put there.
///
/// The program puts in what a configuration cannot say (a protocol, a network to join), and takes
/// out what plug-ins have made (counters, a recording). Stacks that are built at one site find the
/// same things. Clones are the same site.
///
/// ```
/// use choreo_plugin::Site;
///
/// #[derive(Clone, Debug, PartialEq)]
/// struct Name(&'static str);
///
/// let site = Site::new();
/// assert_eq!(site.get::<Name>(), None);
/// assert_eq!(site.get_or_insert_with(|| Name("first")), Name("first"));
/// assert_eq!(site.get_or_insert_with(|| Name("second")), Name("first"));
/// site.put(Name("third"));
/// assert_eq!(site.get(), Some(Name("third")));
/// ```
#[derive(Clone, Default)]
pub struct Site {
    things: Arc<Mutex<Vec<Thing>>>,
}

type Thing = Box<dyn Any + Send + Sync>;

impl Site {
    /// A site with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a value in, in place of the one of its type that there may be.
    pub fn put<T: Clone + Send + Sync + 'static>(&self, thing: T) {
        let mut things = self.things();
        things.retain(|known| !known.is::<T>());
        things.push(Box::new(thing));
    }

    /// A clone of the value of that type.
    #[must_use]
    pub fn get<T: Clone + 'static>(&self) -> Option<T> {
        let things = self.things();
        things
            .iter()
            .find_map(|thing| thing.downcast_ref().cloned())
    }

    /// A clone of the value of that type, which is made if there is none.
    pub fn get_or_insert_with<T: Clone + Send + Sync + 'static>(
        &self,
        make: impl FnOnce() -> T,
    ) -> T {
        if let Some(thing) = self.get() {
            return thing;
        }
        // Made without the lock, since making it may ask the site for other things.
        let made = make();
        let mut things = self.things();
        if let Some(thing) = things.iter().find_map(|thing| thing.downcast_ref::<T>()) {
            return thing.clone();
        }
        things.push(Box::new(made.clone()));
        made
    }

    fn things(&self) -> MutexGuard<'_, Vec<Thing>> {
        self.things.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Site({} things)", self.things().len())
    }
}

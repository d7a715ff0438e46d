use std::fmt;

use choreo_core::{Error, Result, RoleName};

use crate::node::{At, Entry, find};
use crate::setting::{Path, list, refuse};
use crate::{Field, OptionValue, Setting};

/// The options of one plug-in as a configuration has them.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    pub(crate) role: &'a RoleName,
    pub(crate) table: &'a [Entry],
    pub(crate) at: &'a At,
    pub(crate) source: &'a str,
    pub(crate) path: Path<'a>,
}

impl Settings<'_> {
    /// The role that the stack plays.
    #[must_use]
    pub fn role(&self) -> &RoleName {
        self.role
    }

    /// The option of that name, or what stands for one that is left out.
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config) when it is of another type, or must not be left out.
    pub fn get<T: OptionValue>(&self, name: &str) -> Result<T> {
        match find(self.table, name) {
            Some(entry) => self.read(entry),
            None => T::absent().ok_or_else(|| self.missing(name)),
        }
    }

    /// The option of that name, or the default.
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config) when it is of another type.
    pub fn get_or<T: OptionValue>(&self, name: &str, default: impl FnOnce() -> T) -> Result<T> {
        match find(self.table, name) {
            Some(entry) => self.read(entry),
            None => Ok(default()),
        }
    }

    /// An error of kind [`Config`](choreo_core::ErrorKind::Config) about an option: why not, and where.
    #[must_use]
    pub fn refuse(&self, name: &str, why: &str) -> Error {
        let at = find(self.table, name).map_or(self.at, |entry| &entry.node.at);
        refuse(self.source, at, &Path::Key(&self.path, name), why)
    }

    /// Refuses options that there are not.
    pub(crate) fn check_names(&self, fields: &[Field]) -> Result<()> {
        let known = |entry: &&Entry| fields.iter().all(|field| field.name != entry.key);
        let Some(entry) = self.table.iter().find(known) else {
            return Ok(());
        };
        let names = || fields.iter().map(|field| field.name);
        let why = format!(
            "there is no such option; there are: {}{}",
            list(names()),
            crate::registry::meant(&entry.key, names()),
        );
        let path = Path::Key(&self.path, &entry.key);
        Err(refuse(self.source, &entry.at, &path, &why))
    }

    fn read<T: OptionValue>(&self, entry: &Entry) -> Result<T> {
        T::read(Setting {
            node: &entry.node,
            source: self.source,
            path: Path::Key(&self.path, &entry.key),
        })
    }

    fn missing(&self, name: &str) -> Error {
        self.refuse(name, "is missing, and has no default")
    }
}

/// Shows the way and the names, not the values.
impl fmt::Debug for Settings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.table.iter().map(|entry| entry.key.as_str()).collect();
        write!(f, "Settings({}: {names:?})", self.path)
    }
}

use std::sync::Arc;

use choreo_core::{Error, Result};

use crate::node::{At, Entry, Kind, Node, set};
use crate::setting::{Path, list, quoted, refuse};
use crate::{Part, StackSpec};

/// With what the names of variables begin that are meant.
const PREFIX: &str = "CHOREO_";

impl StackSpec {
    /// With what environment variables say, in place of what the text says.
    ///
    /// `CHOREO_ROLE` is the role; `CHOREO_HANDLER__…`, `CHOREO_TRANSPORT__URL` and `CHOREO_CODEC__USE` are
    /// of the handler, the transport and the codec; `CHOREO_LAYERS__RETRY__RETRIES` is an option of the layer `retry`,
    /// or `CHOREO_LAYERS__0__RETRIES` of the innermost, where there are several of that name. What is
    /// in small letters with `-` or `_` in a file is in capitals with `_` here. The items of a list
    /// have commas between them.
    ///
    /// ```
    /// use choreo_plugin::{Part, StackSpec};
    ///
    /// # fn main() -> choreo_core::Result<()> {
    /// let spec = StackSpec::new("Alice")
    ///     .handler(Part::new("inmemory"))
    ///     .with_overrides(std::env::vars())?
    ///     .with_overrides([("CHOREO_ROLE", "Bob")])?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config) for a variable that begins with `CHOREO_` and
    /// names nothing in the stack. Whether there is such an option [`check`](Self::check) tells.
    pub fn with_overrides<K: AsRef<str>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self> {
        const NAMES: &str = "CHOREO_ROLE, CHOREO_HANDLER__…, CHOREO_TRANSPORT__…, CHOREO_CODEC__… and \
                             CHOREO_LAYERS__<name>__…";
        for (name, value) in variables {
            if let Some(path) = name.as_ref().strip_prefix(PREFIX) {
                let steps: Vec<String> = path.split("__").map(str::to_lowercase).collect();
                let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
                self.set(name.as_ref(), &steps, value.into(), NAMES)?;
            }
        }
        Ok(self)
    }

    /// With what a path of dots says, `layers.retry.retries`, as from a command line: otherwise as
    /// [`with_overrides`](Self::with_overrides). Errors give `place` as where it was said.
    ///
    /// ```
    /// use choreo_plugin::{Part, StackSpec};
    ///
    /// # fn main() -> choreo_core::Result<()> {
    /// let spec = StackSpec::new("Alice")
    ///     .handler(Part::new("inmemory"))
    ///     .with_setting("--set handler.capacity", "handler.capacity", "7")?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config) for a path that leads to nothing in the stack.
    pub fn with_setting(
        mut self,
        place: &str,
        path: &str,
        value: impl Into<String>,
    ) -> Result<Self> {
        const NAMES: &str = "role, handler.…, transport.…, codec.… and layers.<name>.…";
        let steps: Vec<&str> = path.split('.').collect();
        self.set(place, &steps, value.into(), NAMES)?;
        Ok(self)
    }

    fn set(&mut self, variable: &str, steps: &[&str], value: String, names: &str) -> Result<()> {
        let at = At::Variable(Arc::from(variable));
        let no = |why: &str| Err(refuse("", &at, &Path::Root(""), why));
        if steps.len() > Node::MAX_DEPTH || steps.contains(&"") {
            return no(&format!("it names nothing in a stack: {names} do"));
        }
        let node = Node {
            at: at.clone(),
            kind: Kind::Text(value),
        };
        let (part, option) = match steps {
            ["role"] => {
                self.role = Some(node);
                return Ok(());
            }
            ["handler", option @ ..] if !option.is_empty() => (self.handler.as_mut(), option),
            ["transport", option @ ..] if !option.is_empty() => (self.transport.as_mut(), option),
            ["codec", option @ ..] if !option.is_empty() => (self.codec.as_mut(), option),
            ["layers", layer, option @ ..] if !option.is_empty() => {
                (Some(self.layer_mut(layer, &at)?), option)
            }
            _ => return no(&format!("it names nothing in a stack: {names} do")),
        };
        match part {
            None => no(&format!("the stack has no [{}]", steps[0])),
            Some(part) if option == ["use"] => {
                part.name = node;
                Ok(())
            }
            Some(part) => {
                put(&mut part.options, option, node);
                Ok(())
            }
        }
    }

    fn layer_mut(&mut self, name: &str, at: &At) -> Result<&mut Part> {
        let count = self.layers.len();
        let number = name.parse().ok().filter(|number| *number < count);
        let alike = |part: &Part| plain(part.name()) == plain(name);
        let mut named = (0..count).filter(|index| alike(&self.layers[*index]));
        let index = match (number, named.next(), named.next()) {
            (Some(number), ..) => Some(number),
            (None, Some(index), None) => Some(index),
            _ => None,
        };
        let error = || self.no_layer(name, at);
        let index = index.ok_or_else(error)?;
        Ok(&mut self.layers[index])
    }

    fn no_layer(&self, name: &str, at: &At) -> Error {
        let listed = self.layers.iter().enumerate();
        let listed = list(listed.map(|(index, part)| format!("{index} {}", part.name())));
        let why = format!(
            "{} does not name one layer; the stack has: {listed}",
            quoted(name)
        );
        refuse("", at, &Path::Root("layers"), &why)
    }
}

/// Sets what may be deep in tables.
fn put(table: &mut Vec<Entry>, steps: &[&str], node: Node) {
    let [step, below @ ..] = steps else {
        return;
    };
    let known = table.iter().find(|entry| plain(&entry.key) == plain(step));
    let key = known.map_or_else(|| (*step).to_owned(), |entry| entry.key.clone());
    let at = node.at.clone();
    let node = match below {
        [] => node,
        // A secret's place is told anew, not added to.
        below => {
            let mut inner = Vec::new();
            put(&mut inner, below, node);
            Node {
                at: at.clone(),
                kind: Kind::Table(inner),
            }
        }
    };
    set(table, Entry { key, at, node });
}

/// A name as it may stand in a variable.
fn plain(name: &str) -> String {
    name.replace('-', "_").to_lowercase()
}

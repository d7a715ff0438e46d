use std::fmt;

use choreo_core::{Error, RoleName};

use crate::node::{At, Entry, Kind, Node, set};
use crate::setting::{Path, refuse};
use crate::{PluginKind, Value};

/// A stack as data: which handler or transport, which layers, with which options.
///
/// From TOML, from JSON, or put together in code:
///
/// ```
/// use choreo_plugin::{Part, StackSpec};
///
/// # #[cfg(feature = "toml")]
/// let from_file = StackSpec::from_toml(r#"
///     role = "Alice"
///     [handler]
///     use = "inmemory"
///     [[layers]]           # from the inside out
///     use = "retry"
///     retries = 3
/// "#)?;
/// let in_code = StackSpec::new("Alice")
///     .handler(Part::new("inmemory"))
///     .layer(Part::new("retry").with("retries", 3));
/// # #[cfg(feature = "toml")]
/// assert_eq!(format!("{from_file:?}"), format!("{in_code:?}"));
/// # Ok::<(), choreo_core::Error>(())
/// ```
///
/// Nothing is looked up until [`check`](Self::check) or [`build`](Self::build).
#[derive(Clone)]
pub struct StackSpec {
    /// The file, or the format, for errors.
    pub(crate) source: String,
    pub(crate) role: Option<Node>,
    pub(crate) handler: Option<Part>,
    pub(crate) transport: Option<Part>,
    pub(crate) codec: Option<Part>,
    pub(crate) layers: Vec<Part>,
}

/// One part of a stack: the name of a plug-in, and its options.
#[derive(Clone)]
pub struct Part {
    pub(crate) name: Node,
    pub(crate) at: At,
    pub(crate) options: Vec<Entry>,
}

impl StackSpec {
    /// The most bytes that a text may have.
    pub const MAX_TEXT: usize = 64 * 1024;

    /// The most layers that a stack may have.
    pub const MAX_LAYERS: usize = 32;

    /// A stack for that role, with nothing in it.
    #[must_use]
    pub fn new(role: impl Into<RoleName>) -> Self {
        let role = Value::from(role.into().as_str()).into_node();
        Self {
            source: String::new(),
            role: Some(role),
            handler: None,
            transport: None,
            codec: None,
            layers: Vec::new(),
        }
    }

    /// With a handler.
    #[must_use]
    pub fn handler(mut self, part: Part) -> Self {
        self.handler = Some(part);
        self
    }

    /// With a transport. The handler over it is `session` unless another is named.
    #[must_use]
    pub fn transport(mut self, part: Part) -> Self {
        self.transport = Some(part);
        self
    }

    /// The same stack for another role.
    ///
    /// ```
    /// use choreo_plugin::{Part, StackSpec};
    ///
    /// let alice = StackSpec::new("Alice").handler(Part::new("inmemory"));
    /// let bob = alice.clone().for_role("Bob");
    /// ```
    #[must_use]
    pub fn for_role(mut self, role: impl Into<RoleName>) -> Self {
        self.role = Self::new(role).role;
        self
    }

    /// With the codec in which the handler sends. It is `postcard` unless another is named.
    #[must_use]
    pub fn codec(mut self, part: Part) -> Self {
        self.codec = Some(part);
        self
    }

    /// With a layer around what there is so far.
    #[must_use]
    pub fn layer(mut self, part: Part) -> Self {
        self.layers.push(part);
        self
    }

    /// The plug-ins that it names, from the inside out.
    ///
    /// ```
    /// use choreo_plugin::{Part, PluginKind, StackSpec};
    ///
    /// let spec = StackSpec::new("Alice").handler(Part::new("inmemory")).layer(Part::new("retry"));
    /// let named: Vec<_> = spec.parts().map(|(kind, part)| (kind, part.name())).collect();
    /// assert_eq!(named, [(PluginKind::Handler, "inmemory"), (PluginKind::Layer, "retry")]);
    /// ```
    pub fn parts(&self) -> impl Iterator<Item = (PluginKind, &Part)> {
        let transport = self.transport.iter();
        let transport = transport.map(|part| (PluginKind::Transport, part));
        let codec = self.codec.iter().map(|part| (PluginKind::Codec, part));
        let handler = self.handler.iter().map(|part| (PluginKind::Handler, part));
        let layers = self.layers.iter().map(|part| (PluginKind::Layer, part));
        transport.chain(codec).chain(handler).chain(layers)
    }

    /// Refuses too many layers.
    pub(crate) fn check_count(layers: usize) -> std::result::Result<(), String> {
        match Self::MAX_LAYERS {
            most if layers > most => Err(format!("{layers} layers, at most {most} are allowed")),
            _ => Ok(()),
        }
    }

    /// An error about the stack as a whole.
    pub(crate) fn refuse(&self, path: &str, why: &str) -> Error {
        refuse(&self.source, &At::Code, &Path::Root(path), why)
    }
}

impl Part {
    /// The plug-in of that name, with all options at their defaults.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: Value::from(name.into()).into_node(),
            at: At::Code,
            options: Vec::new(),
        }
    }

    /// With an option.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let entry = Entry {
            key: name.into(),
            at: At::Code,
            node: value.into().into_node(),
        };
        set(&mut self.options, entry);
        self
    }

    /// The name of the plug-in.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.name.kind {
            Kind::Text(name) => name,
            _ => "",
        }
    }
}

/// The names, from the inside out, without options: they may hold secrets in the wrong place.
impl fmt::Debug for StackSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackSpec")
            .field("handler", &self.handler)
            .field("transport", &self.transport)
            .field("codec", &self.codec)
            .field("layers", &self.layers)
            .finish_non_exhaustive()
    }
}

/// The name, without options: they may hold secrets in the wrong place.
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

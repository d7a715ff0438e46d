use choreo_core::{Error, ErrorKind, Result};

use crate::setting::{list, quoted};
use crate::{CodecPlugin, HandlerPlugin, LayerPlugin, Plugin, PluginKind, TransportPlugin};

/// The plug-ins that stacks are built of, by kind and name.
///
/// ```
/// use choreo_plugin::Registry;
///
/// let registry = Registry::new().with(choreo_handler_inmemory::PLUGIN)?;
/// for plugin in registry.iter() {
///     println!("{} {}: {}", plugin.kind(), plugin.name(), plugin.help());
/// }
/// # Ok::<(), choreo_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// Sorted by kind and name.
    plugins: Vec<Plugin>,
}

impl Registry {
    /// No plug-ins yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All that are registered at link time by [`register!`](crate::register).
    ///
    /// Those of crates that no code names are not there: [`with`](Self::with) adds a plug-in whether
    /// it is there already or not. On wasm they are there once the module's constructors have run,
    /// which `wasm-bindgen` sees to, with and without LTO; where something else loads a module,
    /// see the documentation of the crate `inventory`.
    ///
    /// # Errors
    /// As [`with`](Self::with).
    #[cfg(feature = "discover")]
    pub fn discovered() -> Result<Self> {
        let mut plugins = inventory::iter::<Plugin>.into_iter();
        plugins.try_fold(Self::new(), |registry, plugin| registry.with(*plugin))
    }

    /// With one plug-in more. One that is there already stays as it is.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when there is another of that kind and name.
    pub fn with(mut self, plugin: impl Into<Plugin>) -> Result<Self> {
        let plugin = plugin.into();
        match self.find(plugin.kind(), plugin.name()) {
            Err(index) => self.plugins.insert(index, plugin),
            Ok(index) => {
                let (kind, name) = (plugin.kind(), plugin.name());
                let (known, new) = (self.plugins[index].origin(), plugin.origin());
                if known != new {
                    let detail = format!(
                        "there are two plug-ins for the {kind} \"{name}\": {known} and {new}"
                    );
                    return Err(Error::new(ErrorKind::Config, detail));
                }
            }
        }
        Ok(self)
    }

    /// All plug-ins, by kind and name.
    pub fn iter(&self) -> impl Iterator<Item = &Plugin> {
        self.plugins.iter()
    }

    /// The handler of that name.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config), with the names that there are.
    pub fn handler(&self, name: &str) -> Result<&HandlerPlugin> {
        match self.get(PluginKind::Handler, name)? {
            Plugin::Handler(plugin) => Ok(plugin),
            _ => Err(self.unknown(PluginKind::Handler, name)),
        }
    }

    /// The layer of that name.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config), with the names that there are.
    pub fn layer(&self, name: &str) -> Result<&LayerPlugin> {
        match self.get(PluginKind::Layer, name)? {
            Plugin::Layer(plugin) => Ok(plugin),
            _ => Err(self.unknown(PluginKind::Layer, name)),
        }
    }

    /// The transport of that name.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config), with the names that there are.
    pub fn transport(&self, name: &str) -> Result<&TransportPlugin> {
        match self.get(PluginKind::Transport, name)? {
            Plugin::Transport(plugin) => Ok(plugin),
            _ => Err(self.unknown(PluginKind::Transport, name)),
        }
    }

    /// The codec of that name.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config), with the names that there are.
    pub fn codec(&self, name: &str) -> Result<&CodecPlugin> {
        match self.get(PluginKind::Codec, name)? {
            Plugin::Codec(plugin) => Ok(plugin),
            _ => Err(self.unknown(PluginKind::Codec, name)),
        }
    }

    pub(crate) fn names(&self, kind: PluginKind) -> impl Iterator<Item = &'static str> {
        let plugins = self.plugins.iter();
        let plugins = plugins.filter(move |plugin| plugin.kind() == kind);
        plugins.map(Plugin::name)
    }

    fn get(&self, kind: PluginKind, name: &str) -> Result<&Plugin> {
        let found = self.find(kind, name);
        let index = found.map_err(|_| self.unknown(kind, name))?;
        Ok(&self.plugins[index])
    }

    fn find(&self, kind: PluginKind, name: &str) -> Result<usize, usize> {
        let key = |plugin: &Plugin| (plugin.kind(), plugin.name());
        self.plugins
            .binary_search_by(|plugin| key(plugin).cmp(&(kind, name)))
    }

    fn unknown(&self, kind: PluginKind, name: &str) -> Error {
        let detail = format!(
            "there is no {kind} {}; there are: {}{}",
            quoted(name),
            list(self.names(kind)),
            match self.plugins.iter().find(|plugin| plugin.name() == name) {
                Some(other) => format!(" ({} is a {})", quoted(name), other.kind()),
                None => meant(name, self.names(kind)),
            },
        );
        Error::new(ErrorKind::Config, detail)
    }
}

/// The nearest name, if one is near.
pub(crate) fn meant<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    // A name of any length may come from a file; the distance takes the product of both.
    if name.len() > 64 {
        return String::new();
    }
    let distances = names.map(|known| (strsim::osa_distance(name, known), known));
    match distances.min() {
        Some((distance, known)) if distance * 3 <= known.len().max(3) => {
            format!(" (did you mean \"{known}\"?)")
        }
        _ => String::new(),
    }
}

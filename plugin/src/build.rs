use choreo_core::{Codec, Error, ErrorKind, Result, RoleName};

use crate::plugin::{MakeConnector, OpenHandler, WrapHandler};
use crate::setting::{Path, list, quoted, refuse};
use crate::told::Told;
use crate::{
    LayerPlugin, OptionValue, Part, Place, PluginKind, Registry, Setting, Settings, Site, Stack,
    StackSpec,
};

/// The handler over a transport, where none is named.
pub(crate) const DEFAULT_OVER_TRANSPORT: &str = "session";

/// A stack whose names are known and whose options are right.
struct Prepared {
    role: RoleName,
    description: String,
    transport: Option<(&'static str, MakeConnector)>,
    codec: Codec,
    handler: OpenHandler,
    layers: Vec<WrapHandler>,
}

impl StackSpec {
    /// The role that the stack plays.
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config) when it names none.
    pub fn role(&self) -> Result<RoleName> {
        let Some(node) = &self.role else {
            return Err(self.refuse("role", "is missing: the role that the stack plays"));
        };
        let setting = Setting {
            node,
            source: &self.source,
            path: Path::Root("role"),
        };
        match String::read(setting)? {
            role if role.is_empty() => Err(setting.refuse("a role has a name")),
            role => Ok(role.into()),
        }
    }

    /// Whether the stack could be built: all plug-ins are there, and all options right. Nothing is
    /// opened.
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config): what is wrong first, where it stands, and what is
    /// expected there.
    pub fn check(&self, registry: &Registry) -> Result<()> {
        self.prepare(registry).map(drop)
    }

    /// What the stack is made of, the outermost first, as [`Stack::describe`] says of one that was
    /// built: `Trace<Retry<InMemory>>`.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn describe(&self, registry: &Registry) -> Result<String> {
        self.prepare(registry).map(|prepared| prepared.description)
    }

    /// Builds the stack of the plug-ins that are [registered at link
    /// time](Registry::discovered), at a site of its own.
    ///
    /// # Errors
    /// As [`build_with`](Self::build_with).
    ///
    /// # Cancel safety
    /// What is not handed out is closed.
    #[cfg(feature = "discover")]
    pub async fn build(&self) -> Result<Stack> {
        self.build_with(&Registry::discovered()?, &Site::new())
            .await
    }

    /// Builds the stack of these plug-ins, at a site that may be shared with others.
    ///
    /// # Errors
    /// As [`check`](Self::check), before anything is opened; then those of the handler. How long it
    /// waits for others is the handler's to say; each attempt to connect that fails is told of by
    /// `tracing`, as a warning.
    ///
    /// # Cancel safety
    /// What is not handed out is closed.
    pub async fn build_with(&self, registry: &Registry, site: &Site) -> Result<Stack> {
        let prepared = self.prepare(registry)?;
        let mut place = Place {
            role: prepared.role,
            site: site.clone(),
            transport: None,
            codec: prepared.codec,
        };
        if let Some((title, connector)) = prepared.transport {
            place.transport = Some(Told::of(title, connector(&place)?));
        }
        let opened = (prepared.handler)(place.clone()).await?;
        let wrap = |inner, wrap: WrapHandler| wrap(inner, &place);
        let handler = prepared.layers.into_iter().try_fold(opened.handler, wrap)?;
        Ok(Stack::new(
            handler,
            opened.close,
            place,
            prepared.description,
        ))
    }

    fn prepare(&self, registry: &Registry) -> Result<Prepared> {
        let role = self.role()?;
        let (mut within, transport) = match &self.transport {
            None => (String::new(), None),
            Some(part) => {
                let settings = self.settings(part, "transport", &role);
                let plugin = self.found(part, "transport", registry.transport(part.name()))?;
                let title = plugin.title();
                (title.to_owned(), Some((title, plugin.prepare(&settings)?)))
            }
        };
        let session = self.transport.as_ref().map(|part| {
            let mut session = Part::new(DEFAULT_OVER_TRANSPORT);
            session.at = part.at.clone();
            session
        });
        let Some(part) = self.handler.as_ref().or(session.as_ref()) else {
            let why = format!(
                "a stack needs a [handler] or a [transport]; handlers: {}; transports: {}",
                list(registry.names(PluginKind::Handler)),
                list(registry.names(PluginKind::Transport)),
            );
            return Err(self.refuse("", &why));
        };
        let plugin = self.found(part, "handler", registry.handler(part.name()))?;
        let why = match (plugin.over_transport, &transport) {
            (true, None) => Some("speaks over a transport, and there is no [transport]"),
            (false, Some(_)) => Some("speaks by itself; the [transport] would not be used"),
            _ if self.codec.is_some() && !plugin.takes_codec => {
                Some("takes no codec; the [codec] would not be used")
            }
            _ => None,
        };
        if let Some(why) = why {
            let path = Path::Root("handler");
            let why = format!("{} {why}", quoted(part.name()));
            return Err(refuse(&self.source, &part.name.at, &path, &why));
        }
        let mut codec = Codec::default();
        if let Some(part) = &self.codec {
            let plugin = self.found(part, "codec", registry.codec(part.name()))?;
            codec = plugin.prepare(&self.settings(part, "codec", &role))?;
            within.push_str(if within.is_empty() { "" } else { ", " });
            within.push_str(plugin.title());
        }
        let handler = plugin.prepare(&self.settings(part, "handler", &role));
        let handler = handler.map_err(|error| match &self.handler {
            Some(_) => error,
            None => {
                let detail = format!(
                    "{}; without a [handler] it is {}",
                    error.detail(),
                    quoted(DEFAULT_OVER_TRANSPORT)
                );
                Error::new(ErrorKind::Config, detail)
            }
        })?;
        let mut description = plugin.title().to_owned();
        if !within.is_empty() {
            description = format!("{description}<{within}>");
        }

        Self::check_count(self.layers.len()).map_err(|why| self.refuse("layers", &why))?;
        let mut layers = Vec::with_capacity(self.layers.len());
        for (index, part) in self.layers.iter().enumerate() {
            let path = format!("layers[{index}]");
            let plugin: &LayerPlugin = self.found(part, &path, registry.layer(part.name()))?;
            layers.push(plugin.prepare(&self.settings(part, &path, &role))?);
            description = format!("{}<{description}>", plugin.title());
        }
        Ok(Prepared {
            role,
            description,
            transport,
            codec,
            handler,
            layers,
        })
    }

    fn settings<'a>(&'a self, part: &'a Part, path: &'a str, role: &'a RoleName) -> Settings<'a> {
        Settings {
            role,
            table: &part.options,
            at: &part.at,
            source: &self.source,
            path: Path::Root(path),
        }
    }

    /// With its place, if the plug-in is not there.
    fn found<T>(&self, part: &Part, path: &str, found: Result<T>) -> Result<T> {
        found.map_err(|error| {
            let path = Path::Root(path);
            refuse(&self.source, &part.name.at, &path, error.detail())
        })
    }
}

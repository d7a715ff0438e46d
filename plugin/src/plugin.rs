use std::fmt;
use std::sync::Arc;

use choreo_core::{BoxFuture, Codec, Connect, DynHandler, Result, async_trait};

use crate::{Field, Opened, Options, Place, Settings, schema};

/// Options from which a handler is opened: one that speaks by itself, or over a transport.
///
/// ```
/// use choreo_core::{Result, RoleName};
/// use choreo_handler_inmemory::InMemoryNetwork;
/// use choreo_plugin::{HandlerOptions, HandlerPlugin, Opened, Place, async_trait, options};
///
/// options! {
///     /// What a handler in memory takes.
///     pub struct MemoryOptions {}
/// }
///
/// #[async_trait]
/// impl HandlerOptions for MemoryOptions {
///     async fn open(self, place: Place) -> Result<Opened> {
///         let network = place.site().get_or_insert_with(InMemoryNetwork::<RoleName>::new);
///         Ok(Opened::new(network.join(place.role().clone())?))
///     }
/// }
///
/// pub const PLUGIN: HandlerPlugin =
///     HandlerPlugin::of::<MemoryOptions>("memory", "Memory", "All roles in one process.");
/// ```
#[async_trait]
pub trait HandlerOptions: Options {
    /// Whether it needs the stack's transport; one that does not refuses it.
    const OVER_TRANSPORT: bool = false;

    /// Whether it sends in the codec that the stack names; one that does not refuses any.
    const TAKES_CODEC: bool = false;

    /// Refuses what the types allow and the handler does not, by [`Settings::refuse`], before
    /// anything is built. Provided: all is well.
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config).
    fn check(&self, settings: &Settings<'_>) -> Result<()> {
        let _ = settings;
        Ok(())
    }

    /// Opens the handler.
    ///
    /// # Errors
    /// What the handler's own constructors have.
    ///
    /// # Cancel safety
    /// What is not handed out is closed.
    async fn open(self, place: Place) -> Result<Opened>;
}

/// Options from which a layer is made.
///
/// ```
/// use choreo_core::{ChoreoHandler, ChoreoHandlerExt, DynHandler, Layer, Result, forward};
/// use choreo_plugin::{LayerOptions, LayerPlugin, Place, options};
///
/// struct Plain<H> { inner: H }
///
/// impl<H: ChoreoHandler> ChoreoHandler for Plain<H> {
///     type Role = H::Role;
///     type Endpoint = H::Endpoint;
///     forward!(inner: send_payload, recv_payload, send_to_all, abandon);
/// }
///
/// options! {
///     /// What the layer takes.
///     pub struct PlainOptions {}
/// }
///
/// impl LayerOptions for PlainOptions {
///     fn layer(self, inner: DynHandler, _: &Place) -> Result<DynHandler> {
///         Ok(Plain { inner }.boxed())
///     }
/// }
///
/// pub const PLUGIN: LayerPlugin =
///     LayerPlugin::of::<PlainOptions>("plain", "Plain", "Changes nothing.");
/// ```
pub trait LayerOptions: Options {
    /// Refuses what the types allow and the layer does not, by [`Settings::refuse`], before
    /// anything is built. Provided: all is well.
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config).
    fn check(&self, settings: &Settings<'_>) -> Result<()> {
        let _ = settings;
        Ok(())
    }

    /// Wraps a handler.
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config) when the [`Site`](crate::Site) has not what it needs.
    fn layer(self, inner: DynHandler, place: &Place) -> Result<DynHandler>;
}

/// Options from which a connector is made.
///
/// ```
/// use choreo_core::{Connect, Error, ErrorKind, Result, Transport, async_trait};
/// use choreo_plugin::{Place, TransportOptions, TransportPlugin, options};
/// use std::sync::Arc;
///
/// struct Nowhere;
///
/// #[async_trait]
/// impl Connect for Nowhere {
///     async fn connect(&self) -> Result<Box<dyn Transport>> {
///         Err(Error::new(ErrorKind::Transport, "there is nothing here"))
///     }
/// }
///
/// options! {
///     /// What the transport takes.
///     pub struct NowhereOptions {}
/// }
///
/// impl TransportOptions for NowhereOptions {
///     fn connector(self, _: &Place) -> Result<Arc<dyn Connect>> {
///         Ok(Arc::new(Nowhere))
///     }
/// }
///
/// pub const PLUGIN: TransportPlugin =
///     TransportPlugin::of::<NowhereOptions>("nowhere", "Nowhere", "Leads nowhere.");
/// ```
pub trait TransportOptions: Options {
    /// Refuses what the types allow and the transport does not, by [`Settings::refuse`], before
    /// anything is built. Provided: all is well.
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config).
    fn check(&self, settings: &Settings<'_>) -> Result<()> {
        let _ = settings;
        Ok(())
    }

    /// What opens connections.
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config).
    fn connector(self, place: &Place) -> Result<Arc<dyn Connect>>;
}

/// Options from which a codec is made.
///
/// ```
/// use choreo_core::{Codec, Result};
/// use choreo_plugin::{CodecOptions, CodecPlugin, options};
///
/// options! {
///     /// What the codec takes.
///     pub struct PlainOptions {}
/// }
///
/// impl CodecOptions for PlainOptions {
///     fn codec(self) -> Result<Codec> {
///         Ok(Codec::Postcard)
///     }
/// }
///
/// pub const PLUGIN: CodecPlugin =
///     CodecPlugin::of::<PlainOptions>("plain", "Plain", "Postcard by another name.");
/// ```
pub trait CodecOptions: Options {
    /// Refuses what the types allow and the codec does not, by [`Settings::refuse`], before
    /// anything is built. Provided: all is well.
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config).
    fn check(&self, settings: &Settings<'_>) -> Result<()> {
        let _ = settings;
        Ok(())
    }

    /// The codec, which is a static: there is one for each choice that the options leave.
    ///
    /// # Errors
    /// [`Config`](choreo_core::ErrorKind::Config).
    fn codec(self) -> Result<Codec>;
}

/// What all kinds of plug-ins have.
#[derive(Clone, Copy)]
pub(crate) struct About {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    help: &'static str,
    fields: &'static [Field],
    /// Of the options: a plug-in is the same only if they are.
    origin: fn() -> &'static str,
}

pub(crate) type OpenHandler = Box<dyn FnOnce(Place) -> BoxFuture<'static, Result<Opened>> + Send>;
pub(crate) type WrapHandler = Box<dyn FnOnce(DynHandler, &Place) -> Result<DynHandler> + Send>;
pub(crate) type MakeConnector = Box<dyn FnOnce(&Place) -> Result<Arc<dyn Connect>> + Send>;

/// A kind of handler by name: a constant, such as `choreo_handler_inmemory::PLUGIN`.
#[derive(Clone, Copy)]
pub struct HandlerPlugin {
    pub(crate) about: About,
    pub(crate) over_transport: bool,
    pub(crate) takes_codec: bool,
    prepare: fn(&Settings<'_>) -> Result<OpenHandler>,
}

/// A kind of layer by name: a constant, such as `choreo_middleware::retry::PLUGIN`.
#[derive(Clone, Copy)]
pub struct LayerPlugin {
    pub(crate) about: About,
    prepare: fn(&Settings<'_>) -> Result<WrapHandler>,
}

/// A kind of transport by name: a constant, such as `choreo_transport_websocket::PLUGIN`.
#[derive(Clone, Copy)]
pub struct TransportPlugin {
    pub(crate) about: About,
    prepare: fn(&Settings<'_>) -> Result<MakeConnector>,
}

/// A kind of codec by name: a constant, such as [`POSTCARD`](crate::POSTCARD).
#[derive(Clone, Copy)]
pub struct CodecPlugin {
    pub(crate) about: About,
    prepare: fn(&Settings<'_>) -> Result<Codec>,
}

/// A plug-in of any kind.
#[derive(Clone, Copy)]
pub enum Plugin {
    /// A handler.
    Handler(HandlerPlugin),
    /// A layer.
    Layer(LayerPlugin),
    /// A transport.
    Transport(TransportPlugin),
    /// A codec.
    Codec(CodecPlugin),
}

/// The kinds of plug-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PluginKind {
    /// It speaks roles.
    Handler,
    /// It wraps a handler.
    Layer,
    /// It carries bytes.
    Transport,
    /// It turns messages into bytes.
    Codec,
}

#[cfg(feature = "discover")]
inventory::collect!(Plugin);

impl About {
    const fn of<O: Options>(name: &'static str, title: &'static str, help: &'static str) -> Self {
        assert!(!name.is_empty(), "a plug-in has a name");
        Self {
            name,
            title,
            help,
            fields: O::FIELDS,
            origin: std::any::type_name::<O>,
        }
    }
}

macro_rules! kinds {
    ($($type:ident, $kind:ident, $made:ty;)+) => {
        $(
            impl $type {
                /// The name in files.
                #[must_use]
                pub const fn name(&self) -> &'static str {
                    self.about.name
                }

                /// The name in descriptions of stacks: `Retry`.
                #[must_use]
                pub const fn title(&self) -> &'static str {
                    self.about.title
                }

                /// What it does, in one line.
                #[must_use]
                pub const fn help(&self) -> &'static str {
                    self.about.help
                }

                /// The options.
                #[must_use]
                pub const fn fields(&self) -> &'static [Field] {
                    self.about.fields
                }

                /// The same as a plug-in of any kind.
                #[must_use]
                pub const fn plugin(self) -> Plugin {
                    Plugin::$kind(self)
                }

                /// What is made of these options, if they are right.
                pub(crate) fn prepare(&self, settings: &Settings<'_>) -> Result<$made> {
                    settings.check_names(self.about.fields)?;
                    (self.prepare)(settings)
                }
            }

            impl From<$type> for Plugin {
                fn from(plugin: $type) -> Self {
                    plugin.plugin()
                }
            }

            impl fmt::Debug for $type {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, "{}({:?})", stringify!($type), self.about.name)
                }
            }
        )+

        impl Plugin {
            /// Of which kind it is.
            #[must_use]
            pub const fn kind(&self) -> PluginKind {
                match self {
                    $(Self::$kind(_) => PluginKind::$kind,)+
                }
            }

            pub(crate) const fn about(&self) -> &About {
                match self {
                    $(Self::$kind(plugin) => &plugin.about,)+
                }
            }
        }
    };
}

kinds! {
    HandlerPlugin, Handler, OpenHandler;
    LayerPlugin, Layer, WrapHandler;
    TransportPlugin, Transport, MakeConnector;
    CodecPlugin, Codec, Codec;
}

impl HandlerPlugin {
    /// The plug-in with these options: its name in files (`inmemory`), the one in descriptions of
    /// stacks (`InMemory`), and what it does in one line.
    #[must_use]
    pub const fn of<O: HandlerOptions>(
        name: &'static str,
        title: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            about: About::of::<O>(name, title, help),
            over_transport: O::OVER_TRANSPORT,
            takes_codec: O::TAKES_CODEC,
            prepare: |settings| {
                let options = O::read(settings)?;
                options.check(settings)?;
                Ok(Box::new(move |place| options.open(place)))
            },
        }
    }
}

impl LayerPlugin {
    /// The plug-in with these options: its name in files (`retry`), the one in descriptions of
    /// stacks (`Retry`), and what it does in one line.
    #[must_use]
    pub const fn of<O: LayerOptions>(
        name: &'static str,
        title: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            about: About::of::<O>(name, title, help),
            prepare: |settings| {
                let options = O::read(settings)?;
                options.check(settings)?;
                Ok(Box::new(move |inner, place| options.layer(inner, place)))
            },
        }
    }
}

impl TransportPlugin {
    /// The plug-in with these options: its name in files (`websocket`), the one in descriptions of
    /// stacks (`WebSocket`), and what it does in one line.
    #[must_use]
    pub const fn of<O: TransportOptions>(
        name: &'static str,
        title: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            about: About::of::<O>(name, title, help),
            prepare: |settings| {
                let options = O::read(settings)?;
                options.check(settings)?;
                Ok(Box::new(move |place| options.connector(place)))
            },
        }
    }
}

impl CodecPlugin {
    /// The plug-in with these options: its name in files (`json`), the one in descriptions of
    /// stacks (`Json`), and what it does in one line.
    #[must_use]
    pub const fn of<O: CodecOptions>(
        name: &'static str,
        title: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            about: About::of::<O>(name, title, help),
            prepare: |settings| {
                let options = O::read(settings)?;
                options.check(settings)?;
                options.codec()
            },
        }
    }
}

impl Plugin {
    /// The name in files.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.about().name
    }

    /// The name in descriptions of stacks: `Retry`.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        self.about().title
    }

    /// What it does, in one line.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        self.about().help
    }

    /// The options.
    #[must_use]
    pub const fn fields(&self) -> &'static [Field] {
        self.about().fields
    }

    /// The JSON Schema of its part of a stack, for editors and forms.
    #[must_use]
    pub fn schema(&self) -> String {
        let about = self.about();
        schema::of_plugin(about.name, about.title, about.help, about.fields)
    }

    /// The path of the type of its options, which tells two plug-ins of one name apart.
    #[must_use]
    pub fn origin(&self) -> &'static str {
        (self.about().origin)()
    }

    /// The same as a plug-in of any kind: itself.
    #[must_use]
    pub const fn plugin(self) -> Self {
        self
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handler(plugin) => plugin.fmt(f),
            Self::Layer(plugin) => plugin.fmt(f),
            Self::Transport(plugin) => plugin.fmt(f),
            Self::Codec(plugin) => plugin.fmt(f),
        }
    }
}

impl fmt::Display for PluginKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Handler => "handler",
            Self::Layer => "layer",
            Self::Transport => "transport",
            Self::Codec => "codec",
        })
    }
}

/// The options of a plug-in: the struct, how it is read, and its schema, from one source.
///
/// An option with `= value` has that default. One of type `Option<T>` may be left out; any other
/// must not. The doc comments become the descriptions in the schema.
///
/// ```
/// use choreo_plugin::{Secret, options};
/// use std::time::Duration;
///
/// options! {
///     /// What the connection to a broker takes.
///     pub struct BrokerOptions {
///         /// Where the broker is.
///         url: String,
///         /// How often it is tried.
///         tries: u32 = 3,
///         /// How long each try may take.
///         patience: Duration = Duration::from_secs(10),
///         /// What lets this role in.
///         token: Option<Secret>,
///     }
/// }
/// ```
///
/// Types are numbers, `bool`, `String`, [`Duration`](std::time::Duration) (`"100ms"`),
/// [`Secret`](crate::Secret), `Option` and `Vec` of these, [`choices!`](crate::choices), and any
/// other [`OptionValue`](crate::OptionValue).
#[macro_export]
macro_rules! options {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[doc = $doc:literal])+ $field:ident: $type:ty $(= $default:expr)?),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)*
        }

        impl $crate::Options for $name {
            const FIELDS: &'static [$crate::Field] = &[$($crate::Field {
                name: stringify!($field),
                doc: concat!($($doc),+),
                optional: $crate::options!(@optional $type $(, $default)?),
                schema: <$type as $crate::OptionValue>::schema,
                default: $crate::options!(@default $type $(, $default)?),
            }),*];

            fn read(settings: &$crate::Settings<'_>) -> $crate::__private::Result<Self> {
                let _ = settings;
                Ok(Self {
                    $($field: $crate::options!(@read settings, $field $(, $default)?),)*
                })
            }
        }
    };
    (@read $settings:ident, $field:ident) => { $settings.get(stringify!($field))? };
    (@read $settings:ident, $field:ident, $default:expr) => {
        $settings.get_or(stringify!($field), || $default)?
    };
    (@optional $type:ty) => { <$type as $crate::OptionValue>::OPTIONAL };
    (@optional $type:ty, $default:expr) => { true };
    (@default $type:ty) => { None };
    (@default $type:ty, $default:expr) => {
        Some(|out: &mut String| {
            let default: $type = $default;
            $crate::OptionValue::show(&default, out);
        })
    };
}

/// An option that is one of several names.
///
/// ```
/// use choreo_plugin::{choices, options};
///
/// choices! {
///     /// In which order it is tried.
///     pub enum Order {
///         /// The best first.
///         Ranked = "ranked",
///         /// By chance.
///         Shuffled = "shuffled",
///     }
/// }
///
/// options! {
///     /// How servers are found.
///     pub struct FinderOptions {
///         /// In which order they are tried.
///         order: Order = Order::Ranked,
///     }
/// }
/// ```
#[macro_export]
macro_rules! choices {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$inner:meta])* $variant:ident = $text:literal),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name {
            $($(#[$inner])* $variant,)+
        }

        impl $name {
            const TEXTS: &'static [&'static str] = &[$($text),+];
            const ALL: &'static [Self] = &[$(Self::$variant),+];
        }

        impl $crate::OptionValue for $name {
            fn schema(out: &mut String) {
                $crate::__private::choices(Self::TEXTS, out);
            }

            fn show(&self, out: &mut String) {
                $crate::__private::quote(Self::TEXTS[*self as usize], out);
            }

            fn read(setting: $crate::Setting<'_>) -> $crate::__private::Result<Self> {
                Ok(Self::ALL[setting.choice(Self::TEXTS)?])
            }
        }
    };
}

/// Registers a plug-in at link time, for [`Registry::discovered`](crate::Registry::discovered).
///
/// It takes the constant, or several. A crate that no code names is not linked, and neither are its
/// registrations: name it (`use the_crate as _;`), or add the constant by
/// [`Registry::with`](crate::Registry::with), which always works.
///
/// ```standalone_crate
/// # use choreo_core::{DynHandler, Result};
/// # use choreo_plugin::{LayerOptions, LayerPlugin, Place, options, register};
/// # options! { /// None.
/// #     pub struct PlainOptions {} }
/// # impl LayerOptions for PlainOptions {
/// #     fn layer(self, inner: DynHandler, _: &Place) -> Result<DynHandler> { Ok(inner) }
/// # }
/// pub const PLUGIN: LayerPlugin =
///     LayerPlugin::of::<PlainOptions>("plain", "Plain", "Changes nothing.");
///
/// register!(PLUGIN);
/// # let registry = choreo_plugin::Registry::discovered().unwrap();
/// # assert_eq!(registry.layer("plain").unwrap().title(), "Plain");
/// ```
///
/// Without the feature `discover` nothing is registered, and so nothing is linked that is not named.
#[cfg(feature = "discover")]
#[macro_export]
macro_rules! register {
    ($($plugin:expr),+ $(,)?) => {
        $($crate::__private::inventory::submit! { $plugin.plugin() })+

        // What is exported is linked. A linker of wasm leaves out what nothing asks for, even if it
        // is marked as used, unless it is optimised together with the rest (LTO).
        #[cfg(target_family = "wasm")]
        const _: () = {
            #[allow(unsafe_code)]
            #[unsafe(export_name = concat!(
                "choreo_plugin:", module_path!(), ":", line!(), ":", env!("CARGO_PKG_VERSION")
            ))]
            static LINKED: u8 = 0;
        };
    };
}

/// Registers a plug-in at link time, with the feature `discover`; without it, nothing.
#[cfg(not(feature = "discover"))]
#[macro_export]
macro_rules! register {
    ($($plugin:expr),+ $(,)?) => {$(
        const _: $crate::Plugin = $plugin.plugin();
    )+};
}

#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod build;
mod data;
mod decimal;
mod deserialize;
mod duration;
#[cfg(any(feature = "json", feature = "toml"))]
mod file;
#[cfg(feature = "json")]
mod json;
#[cfg(any(feature = "json", feature = "toml"))]
mod lines;
mod macros;
mod node;
mod options;
mod overrides;
mod place;
mod plugin;
mod postcard;
mod registry;
mod schema;
mod secret;
mod setting;
mod settings;
mod site;
mod spec;
mod stack;
mod told;
#[cfg(feature = "toml")]
mod toml;
mod tree;
mod value;

pub use choreo_core::async_trait;

pub use options::{Field, OptionValue, Options};
pub use place::{Opened, Place};
pub use plugin::{
    CodecOptions, CodecPlugin, HandlerOptions, HandlerPlugin, LayerOptions, LayerPlugin, Plugin,
    PluginKind, TransportOptions, TransportPlugin,
};
pub use postcard::POSTCARD;
pub use registry::Registry;
pub use secret::Secret;
pub use setting::Setting;
pub use settings::Settings;
pub use site::Site;
pub use spec::{Part, StackSpec};
pub use stack::Stack;
pub use value::Value;

/// What the macros expand to; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::schema::{choices, quote};
    pub use choreo_core::Result;
    #[cfg(feature = "discover")]
    pub use inventory;
}

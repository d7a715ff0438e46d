#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[cfg(feature = "session")]
mod meeting;
#[cfg(feature = "plugins")]
pub mod plugins;

pub use choreo_core::*;

#[cfg(feature = "choreography")]
#[cfg_attr(feature = "inmemory", doc = include_str!("choreography.md"))]
pub use choreo_macros::choreography;
#[cfg(any(feature = "choreography", feature = "monitor"))]
pub use choreo_protocol as protocol;

#[cfg(feature = "codec-json")]
pub use choreo_codec_json as json;

#[cfg(feature = "inmemory")]
pub use choreo_handler_inmemory::{InMemoryHandler, InMemoryNetwork};

#[cfg(feature = "rumpsteak")]
pub use choreo_handler_rumpsteak::{
    IntoFrame, RumpsteakEndpoint, RumpsteakHandler, RumpsteakSession, SessionMetadata,
    SimpleChannel,
};

#[cfg(any(
    feature = "trace",
    feature = "record",
    feature = "metrics",
    feature = "retry",
    feature = "timeout",
    feature = "fault-injection",
    feature = "monitor",
    feature = "tower",
))]
pub use choreo_middleware as middleware;

#[cfg(feature = "plugins")]
pub use choreo_plugin as plugin;

#[cfg(feature = "session")]
pub use choreo_session as session;
#[cfg(feature = "session")]
pub use meeting::{Meeting, Seat};

#[cfg(feature = "fetch")]
pub use choreo_transport_fetch as fetch;

#[cfg(feature = "websocket")]
pub use choreo_transport_websocket as websocket;

/// What most programs use: `use choreo::prelude::*;`
pub mod prelude {
    pub use crate::{
        BoxHandler, ChoreoHandler, ChoreoHandlerExt, DynHandler, Error, ErrorKind, Label, LabelId,
        Layer, Program, Result, RoleId, RoleName, interpret, labels,
    };

    #[cfg(feature = "inmemory")]
    pub use crate::{InMemoryHandler, InMemoryNetwork};

    #[cfg(feature = "rumpsteak")]
    pub use crate::{RumpsteakEndpoint, RumpsteakHandler, RumpsteakSession, SimpleChannel};

    #[cfg(feature = "session")]
    pub use crate::session::{Session, SessionConfig};
    #[cfg(feature = "session")]
    pub use crate::{Meeting, Seat};

    #[cfg(feature = "choreography")]
    pub use crate::choreography;

    #[cfg(feature = "fetch")]
    pub use crate::fetch::FetchConnector;

    #[cfg(feature = "websocket")]
    pub use crate::websocket::WebSocketConnector;
}

/// What [`choreography!`] expands to; not for use by hand.
#[cfg(feature = "choreography")]
#[doc(hidden)]
pub mod __private {
    pub use serde::{self, Deserialize, Serialize};
}

#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub use choreo_core::*;

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
))]
pub use choreo_middleware as middleware;

#[cfg(feature = "session")]
pub use choreo_session as session;

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

    #[cfg(feature = "fetch")]
    pub use crate::fetch::FetchConnector;

    #[cfg(feature = "websocket")]
    pub use crate::websocket::WebSocketConnector;
}

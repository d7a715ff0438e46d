//! The plug-ins that come with choreo, for stacks from a configuration.
//!
//! ```
//! use choreo::plugin::{Site, StackSpec};
//! use choreo::{ChoreoHandlerExt, plugins};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> choreo::Result<()> {
//! let registry = plugins::registry()?;
//! let site = Site::new(); // where both stacks find the same network
//! let alice = StackSpec::from_toml(r#"
//!     role = "Alice"
//!     [handler]
//!     use = "inmemory"
//!     [[layers]] # from the inside out
//!     use = "retry"
//!     retries = 3
//!     [[layers]]
//!     use = "trace"
//! "#)?;
//! let bob = alice.clone().with_overrides([("CHOREO_ROLE", "Bob")])?;
//!
//! let alice = alice.build_with(&registry, &site).await?;
//! let bob = bob.build_with(&registry, &site).await?;
//! assert_eq!(alice.describe(), "Trace<Retry<InMemory>>");
//! alice.send(&(), "Bob".into(), &"ping").await?;
//! assert_eq!(bob.recv::<String>(&(), "Alice".into()).await?, "ping");
//! # Ok(()) }
//! ```

use crate::Result;
use crate::plugin::{POSTCARD, Plugin, Registry};

#[cfg(feature = "session")]
#[path = "session_plugin.rs"]
mod session;

#[cfg(feature = "session")]
pub use session::PLUGIN as SESSION;

/// All that the features bring.
pub const ALL: &[Plugin] = &[
    #[cfg(feature = "inmemory")]
    choreo_handler_inmemory::PLUGIN.plugin(),
    #[cfg(feature = "rumpsteak")]
    choreo_handler_rumpsteak::PLUGIN.plugin(),
    #[cfg(feature = "session")]
    SESSION.plugin(),
    #[cfg(feature = "fault-injection")]
    crate::middleware::FaultInjectionLayer::PLUGIN.plugin(),
    #[cfg(feature = "metrics")]
    crate::middleware::MetricsLayer::PLUGIN.plugin(),
    #[cfg(feature = "monitor")]
    crate::middleware::MonitorLayer::PLUGIN.plugin(),
    #[cfg(feature = "record")]
    crate::middleware::RecordLayer::PLUGIN.plugin(),
    #[cfg(feature = "retry")]
    crate::middleware::RetryLayer::PLUGIN.plugin(),
    #[cfg(feature = "timeout")]
    crate::middleware::TimeoutLayer::PLUGIN.plugin(),
    #[cfg(feature = "trace")]
    crate::middleware::TraceLayer::PLUGIN.plugin(),
    #[cfg(feature = "fetch")]
    choreo_transport_fetch::PLUGIN.plugin(),
    #[cfg(feature = "websocket")]
    choreo_transport_websocket::PLUGIN.plugin(),
    POSTCARD.plugin(),
    #[cfg(feature = "codec-json")]
    choreo_codec_json::PLUGIN.plugin(),
];

/// [`ALL`], and with the feature `discover` what else is registered at link time: plug-ins of other
/// crates that are linked.
///
/// # Errors
/// [`Config`](crate::ErrorKind::Config) when a plug-in of the program has the kind and name of
/// another.
pub fn registry() -> Result<Registry> {
    #[cfg(feature = "discover")]
    let known = Registry::discovered()?;
    #[cfg(not(feature = "discover"))]
    let known = Registry::new();
    let with = |registry: Registry, plugin: &Plugin| registry.with(*plugin);
    ALL.iter().try_fold(known, with)
}

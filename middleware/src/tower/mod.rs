//! tower both ways: its own layers on a handler, and a handler as a `tower::Service`.
//!
//! # tower's layers on a handler
//! [`TowerLayer`] takes any `tower::Layer`, or a whole `tower::ServiceBuilder`, and is a layer like
//! those of this crate: for any handler, boxed or not, with any endpoint.
//!
//! ```
//! use choreo_core::ChoreoHandlerExt;
//! use choreo_handler_inmemory::InMemoryNetwork;
//! use choreo_middleware::tower::TowerLayer;
//! use std::time::Duration;
//! use tower::ServiceBuilder;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> choreo_core::Result<()> {
//! let sends = ServiceBuilder::new()
//!     .timeout(Duration::from_secs(5))
//!     .buffer(16)
//!     .rate_limit(100, Duration::from_secs(1));
//! let receives = ServiceBuilder::new().timeout(Duration::from_secs(60));
//!
//! let network = InMemoryNetwork::new();
//! let bob = network.join("Bob")?;
//! let alice = network
//!     .join("Alice")?
//!     .layer(TowerLayer::new(sends))
//!     .layer(TowerLayer::for_receives(receives))
//!     .boxed();
//!
//! alice.send(&(), "Bob", &"hello").await?;
//! assert_eq!(bob.recv::<String>(&(), "Alice").await?, "hello");
//! # Ok(()) }
//! ```
//!
//! What a handler promises, it still does:
//!
//! - **Nothing is sent twice.** A layer may ask for a send again, as tower's `Retry` does by its
//!   policy; it is only made again while the error [is transient](choreo_core::Error::is_transient).
//!   After anything else the first error stands, whatever the policy says. A receive that failed is
//!   never made again.
//! - **Nothing is lost.** What an operation has ended with is what the caller gets. The layers hear
//!   of it (they see a [`Reply`], or an error), and are not waited for. So a time limit that
//!   passes just then, or a caller that stops waiting, cannot lose what has come.
//! - **Nothing changes places.** Operations meet the layers in the order in which they were begun,
//!   one at a time until the layers are ready for the next one.
//! - A payload is not copied or encoded for the layers. They see a [`Request`]: what is to be done,
//!   with whom, and the type of the message.
//!
//! A limit is for all peers of a handler together: while one of them takes nothing, the sends to
//! him take up the places of those to others.
//!
//! ## What the layers' errors become
//!
//! | tower's | kind |
//! |---|---|
//! | `timeout::error::Elapsed` | [`Timeout`](choreo_core::ErrorKind::Timeout) |
//! | `load_shed::error::Overloaded` | [`Busy`](choreo_core::ErrorKind::Busy) |
//! | `buffer::error::Closed` | [`Closed`](choreo_core::ErrorKind::Closed) |
//! | any other | [`Config`](choreo_core::ErrorKind::Config) |
//!
//! The layer's own error is the source. Errors of the handler, and [`Error`](choreo_core::Error)s
//! that a layer makes, come through as they are. A layer's error of a send is transient when the
//! send never began: a `Retry` of this crate outside of the layers tries again what was shed.
//!
//! ## Layers of tower that hold places
//!
//! - `ConcurrencyLimit`: an operation has its place until it has ended. A receive lasts until the
//!   peer sends, which is why receives do not go through [`TowerLayer::new`].
//! - `GlobalConcurrencyLimit`, shared between handlers: an operation that is dropped while it waits
//!   for a place leaves that place to the next one of its own handler. Where handlers stop waiting,
//!   and then do nothing more, put `LoadShed` outside of it, so that nobody waits.
//! - `Buffer`: its worker is a tokio task, begun where the layer is put on a handler. The
//!   operations themselves stay with those who await them.
//!
//! # A handler as a service
//! [`HandlerService`] is a `tower::Service` of [`Request`]s, for code that knows only tower.
//!
//! # In browsers
//! tower's `timeout`, `rate_limit` and `buffer` stand on tokio's timers and tasks, which browsers
//! do not have: they panic there. Concurrency limits, load shedding and retry policies work.
//! `TimeoutLayer` of this crate works everywhere.

mod error;
mod gate;
mod layer;
mod request;
mod service;
mod ticket;

pub use gate::{Attempt, Gate};
pub use layer::{Tower, TowerLayer};
pub use request::{Reply, Request};
pub use service::HandlerService;

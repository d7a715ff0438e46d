#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod codec;
mod erased;
mod fixture;
mod guard;
pub mod handler;
pub mod layer;
mod platform;
mod probe;
mod promise;
mod reference;
mod simulation;
mod suite;
pub mod transport;
mod trial;
mod violation;

pub use choreo_core::async_trait;

pub use erased::{ErasedFixture, Peer, Settings};
pub use fixture::{EndpointOf, FnFixture, HandlerFixture, RoleOf, from_fn};
pub use layer::{LayerUnderTest, Layered, PerRole, per_role};
pub use probe::{Call, Probe, ProbeEndpoint};
pub use promise::Promise;
pub use reference::{ReferenceEndpoint, ReferenceHandler, reference_session};
pub use simulation::{
    Cause, Counts, Played, Report, SimFailure, SimHandler, SimNetwork, Simulation, Span,
};
pub use transport::{
    ReferenceTransport, TransportFixture, from_connect, from_pairs, reference_pair,
};
pub use violation::Violation;

/// What the suites' macros expand to; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::platform::*;
    pub use crate::suite::{skip, skip_layer, skip_transport};
    pub use std::result::Result;
}

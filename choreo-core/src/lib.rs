#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod address;
mod bound;
mod boxed;
mod cast;
mod codec;
#[cfg(feature = "codecs")]
mod custom_codec;
mod error;
mod ext;
mod extension;
mod fallback;
mod forward;
mod handler;
mod interpret;
mod label;
mod link;
mod message;
mod nested;
#[cfg(feature = "protocol")]
mod part;
mod payload;
mod peer_map;
mod program;
mod protocol_role;
pub mod queue;
mod recipients;
mod role;
pub mod runtime;
mod steps;
mod transport;
mod typed;
mod validate;
mod waiters;
mod wakers;

pub use async_trait::async_trait;
pub use bytes::{Bytes, BytesMut};
pub use erased_serde;
pub use futures::future::BoxFuture;
/// Wraps a handler: `S` and [`Service`](Layer::Service) are [`ChoreoHandler`]s here, and
/// [`layer`](ChoreoHandlerExt::layer) puts one around a handler. The trait is tower's own, whose
/// words follow below.
///
/// ```
/// use choreo_core::{ChoreoHandler, Layer, forward};
///
/// struct PlainLayer;
///
/// struct Plain<H> {
///     inner: H,
/// }
///
/// impl<H> Layer<H> for PlainLayer {
///     type Service = Plain<H>;
///
///     fn layer(&self, inner: H) -> Plain<H> {
///         Plain { inner }
///     }
/// }
///
/// /// What it does otherwise than the inner handler it writes out, the rest it forwards.
/// impl<H: ChoreoHandler> ChoreoHandler for Plain<H> {
///     type Role = H::Role;
///     type Endpoint = H::Endpoint;
///
///     forward!(inner: send_payload, recv_payload, send_to_all, abandon);
/// }
/// ```
///
/// [The guide](https://github.com/choreo-rs/choreo/blob/main/docs/src/layers.md) writes a whole one.
///
/// # From tower
pub use tower_layer::Layer;

pub use address::Address;
pub use bound::Bound;
pub use boxed::{BoxHandler, DynHandler};
pub use cast::Cast;
pub use codec::Codec;
#[cfg(feature = "codecs")]
pub use custom_codec::{CustomCodec, Format, FormatError, Target};
pub use error::{Error, ErrorKind, Operation, Result};
pub use ext::ChoreoHandlerExt;
pub use extension::{Extensions, Flow};
pub use fallback::Fallback;
pub use handler::ChoreoHandler;
pub use interpret::{InterpretError, InterpretResult, Interpreter, interpret};
pub use label::{Label, LabelId};
pub use link::Link;
pub use message::{Encoded, Message, TypeTag};
pub use payload::{Incoming, Outgoing};
pub use peer_map::PeerMap;
pub use program::{Effect, Program, SameAs};
pub use protocol_role::ProtocolRole;
pub use recipients::Recipients;
pub use role::{RoleId, RoleName};
pub use transport::{Connect, Transport};
pub use typed::Typed;
pub use waiters::{Until, Waiters};

/// What [`forward!`] and [`handler_fn!`] expand to; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use std::boxed::Box;
    pub use std::future::Future;
    pub use std::marker::Send;
    pub use std::pin::Pin;
}

#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod automaton;
#[doc(hidden)]
pub mod canvas;
mod check;
mod compile;
#[cfg(feature = "serde")]
mod depth;
mod diagram;
mod family;
mod fault;
mod fingerprint;
mod global;
mod local;
#[doc(hidden)]
pub mod mermaid;
mod picture;
mod position;
mod project;
mod refines;
mod show;

pub use fault::{Fault, FaultKind};
pub use global::{Branch, Global, Message, Place, RoleDecl, Step};
pub use local::{Local, State, StateId};
pub use position::{Due, Position};
pub use refines::Differs;

#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod key;
mod layer;
mod plugin;
mod seal;

pub use key::SealKey;
pub use layer::Seal;
pub use plugin::PLUGIN;
pub use seal::SealLayer;

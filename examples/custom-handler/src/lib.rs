#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod folder;
mod handler;
mod plugin;

pub use handler::FolderHandler;
pub use plugin::PLUGIN;

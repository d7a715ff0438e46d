#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod cast;
mod check;
mod cli;
mod completions;
mod demos;
mod excerpt;
mod file;
mod init;
mod play;
mod plugins;
mod run;
mod schema;
mod signals;
mod snippet;

pub use run::{main, run};

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
mod snippet;
mod stop;

pub use run::{main, run};

//! The handler over each way to a peer. One program for all: each takes a browser to start.

mod conformance;
mod endpoint;
mod sessions;
mod transports;

//! What each layer does, alone and in a stack. One program for all: each takes a browser to start.

#[macro_use]
mod common;
mod conformance;
mod facade;
mod fault_injection;
mod metrics;
mod monitor;
mod record;
mod replay;
mod retry;
mod simulated;
mod stacks;
mod timeout;
mod tower;
mod trace;

//! The suites, run on what others write with them. One program for all: each takes a browser to start.

mod faulty;
mod fixture;
mod own_codec;
mod own_handler;
mod own_layer;
mod own_transport;
mod plain_layer;
mod readme;
mod reference;
mod simulation;

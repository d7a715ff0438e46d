//! What users write with the default features. One program for all: each takes a browser to start.

mod bad_input;
mod guide;
mod many_roles;
mod promises;
mod stacks;

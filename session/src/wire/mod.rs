//! What goes over the wire: frames and what they carry. Decoders take bytes from anyone: they do
//! not panic and allocate nothing that was only declared.

mod abort;
mod code;
mod frame;
pub(crate) mod hello;
mod key;
mod varint;

pub use abort::{Abort, MAX_REASON, printable};
pub use code::Code;
pub use frame::{Flags, Frame, FrameError, Kind, MAX_BATCH, MAX_HEADER, VERSION};
pub use hello::{Challenge, Hello, MAX_NAME, Proof, Welcome, check_name};

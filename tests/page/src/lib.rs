//! Roles for a page that tests drive: a [`Player`] has a part in a conversation over connections
//! that are cut, and a [`Caller`] and a [`Poster`] measure how
//! long an answer takes.

#![deny(missing_docs)]

mod caller;
mod player;
mod poster;

pub use caller::Caller;
pub use player::Player;
pub use poster::Poster;

//! Roles for a page that tests drive: a [`Player`] has a part in a conversation over connections
//! that are cut, and a [`Caller`] measures how long an answer takes.

#![deny(missing_docs)]

mod caller;
mod player;

pub use caller::Caller;
pub use player::Player;

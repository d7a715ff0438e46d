#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod buyer;
mod export;
pub mod protocol;
mod seller;

pub use buyer::buy;
pub use export::buy_as_text;
pub use seller::Seller;

//! The protocol: who there is, what they say, and what each does.

use std::fmt;

use choreo::{ChoreoHandler, ChoreoHandlerExt, Result, labels};
use serde::{Deserialize, Serialize};

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Asks for a price, on the edge.
    Buyer,
    /// Names it, natively.
    Seller,
}

/// From the buyer: what it wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The goods, by name.
    pub goods: String,
    /// How many of them.
    pub count: u32,
}

labels! {
    /// What the seller says to a wish.
    pub enum Stock {
        /// It has that: a price follows.
        Here,
        /// It does not sell that; this is the end.
        Unknown,
    }
}

labels! {
    /// What the buyer says to a price.
    pub enum Decision {
        /// Buys.
        Take,
        /// Does not; this is the end.
        Leave,
    }
}

/// How it ended; both come to the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Sold for so many cents, under the number of the receipt.
    Sold {
        /// What for.
        cents: u64,
        /// Counted from 1.
        receipt: u64,
    },
    /// It was too dear, at so many cents.
    TooDear(u64),
    /// There is none of it.
    Unknown,
}

/// The buyer: takes what it wants if it costs so many cents at most.
///
/// # Errors
/// When the session is lost, or the seller has left.
pub async fn buyer<H>(
    handler: &H,
    endpoint: &H::Endpoint,
    wish: &Wish,
    most_cents: u64,
) -> Result<Outcome>
where
    H: ChoreoHandler<Role = Role>,
{
    handler.send(endpoint, Role::Seller, wish).await?;
    match handler.offer(endpoint, Role::Seller).await? {
        Stock::Unknown => return Ok(Outcome::Unknown),
        Stock::Here => {}
    }
    let cents: u64 = handler.recv(endpoint, Role::Seller).await?;
    if cents > most_cents {
        let leave = Decision::Leave;
        handler.choose(endpoint, Role::Seller, leave).await?;
        return Ok(Outcome::TooDear(cents));
    }
    let take = Decision::Take;
    handler.choose(endpoint, Role::Seller, take).await?;
    let receipt = handler.recv(endpoint, Role::Seller).await?;
    Ok(Outcome::Sold { cents, receipt })
}

/// The seller: names what `price` says, in cents, and numbers what it sells by `receipt`.
///
/// # Errors
/// When the session is lost, or the buyer has left.
pub async fn seller<H>(
    handler: &H,
    endpoint: &H::Endpoint,
    price: impl FnOnce(&Wish) -> Option<u64> + Send,
    receipt: impl FnOnce() -> u64 + Send,
) -> Result<(Wish, Outcome)>
where
    H: ChoreoHandler<Role = Role>,
{
    let wish: Wish = handler.recv(endpoint, Role::Buyer).await?;
    let Some(cents) = price(&wish) else {
        let unknown = Stock::Unknown;
        handler.choose(endpoint, Role::Buyer, unknown).await?;
        return Ok((wish, Outcome::Unknown));
    };
    handler.choose(endpoint, Role::Buyer, Stock::Here).await?;
    handler.send(endpoint, Role::Buyer, &cents).await?;
    match handler.offer(endpoint, Role::Buyer).await? {
        Decision::Leave => Ok((wish, Outcome::TooDear(cents))),
        Decision::Take => {
            let receipt = receipt();
            handler.send(endpoint, Role::Buyer, &receipt).await?;
            Ok((wish, Outcome::Sold { cents, receipt }))
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sold { cents, receipt } => write!(f, "sold for {cents} cents, receipt {receipt}"),
            Self::TooDear(cents) => write!(f, "too dear at {cents} cents"),
            Self::Unknown => f.write_str("not sold here"),
        }
    }
}

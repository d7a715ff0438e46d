use std::sync::atomic::{AtomicU64, Ordering};

use choreo::Transport;
use choreo::prelude::*;
use choreo::session::{Accepted, Acceptor, Anyone, Terms};

use crate::protocol::{self, Outcome, Role, Wish};

/// What there is, and how many cents one of it costs.
const PRICES: [(&str, u64); 3] = [("apples", 40), ("pears", 55), ("quinces", 90)];

/// The seller, who serves everybody that calls, each in a session of its own.
pub struct Seller {
    acceptor: Acceptor,
    sold: AtomicU64,
}

impl Seller {
    /// Nothing is sold yet.
    ///
    /// # Errors
    /// When the platform gives no random numbers.
    pub fn new() -> Result<Self> {
        Ok(Self {
            acceptor: Acceptor::new(&Role::Seller, Anyone, Terms::default())?,
            sold: AtomicU64::new(0),
        })
    }

    /// Lets a buyer in, and plays to the end. A connection that takes the place of one that broke
    /// is handed to the session that goes on, and there is nothing to tell of it.
    ///
    /// # Errors
    /// When the buyer is not let in, or the session is lost.
    ///
    /// # Panics
    /// Natively outside of a tokio runtime.
    pub async fn serve(
        &self,
        connection: impl Transport + 'static,
    ) -> Result<Option<(Wish, Outcome)>> {
        let Accepted::Joined(session) = self.acceptor.accept(connection).await? else {
            return Ok(None);
        };
        let endpoint = RumpsteakEndpoint::new(Role::Seller);
        endpoint.register_transports(session.transports([Role::Buyer])?);
        let handler = RumpsteakHandler::new();
        let receipt = || self.sold.fetch_add(1, Ordering::Relaxed) + 1;
        let deal = protocol::seller(&handler, &endpoint, price, receipt).await?;
        session.close().await?;
        Ok(Some(deal))
    }
}

fn price(wish: &Wish) -> Option<u64> {
    let (_, each) = PRICES.iter().find(|(goods, _)| *goods == wish.goods)?;
    each.checked_mul(wish.count.into())
}

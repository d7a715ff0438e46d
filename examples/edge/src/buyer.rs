use choreo::prelude::*;

use crate::protocol::{self, Outcome, Role, Wish};

/// Joins the session of that name with the seller at that address, and plays the buyer to its end.
///
/// # Errors
/// When the address is none for HTTP, the seller cannot be reached or does not let this in, or the
/// session is lost.
///
/// # Panics
/// Natively outside of a tokio runtime.
///
/// # Cancel safety
/// When it is dropped, the seller is told that the buyer has left.
pub async fn buy(seller: &str, session: &str, wish: &Wish, most_cents: u64) -> Result<Outcome> {
    let connector = FetchConnector::new(seller)?;
    let config = SessionConfig::new(session, Role::Buyer, [Role::Seller]);
    let session = Session::join(connector, config).await?;

    let endpoint = RumpsteakEndpoint::new(Role::Buyer);
    endpoint.register_transports(session.transports([Role::Seller])?);
    let handler = RumpsteakHandler::new();
    let outcome = protocol::buyer(&handler, &endpoint, wish, most_cents).await?;
    session.close().await?;
    Ok(outcome)
}

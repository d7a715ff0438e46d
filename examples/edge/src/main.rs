//! The seller, natively: `cargo run -p edge [ADDRESS]`. Tells of each deal in a line.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use choreo::fetch::FetchAcceptor;
use edge::Seller;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8000");
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| format!("cannot listen on {address}: {error}"))?;
    println!("listening on http://{}/seller", listener.local_addr()?);
    axum::serve(listener, server(Seller::new()?)).await?;
    Ok(())
}

fn server(seller: Seller) -> Router {
    let seller = Arc::new(seller);
    let acceptor = FetchAcceptor::new();
    let call = async move |request: Request| {
        let serve = async move |connection| match seller.serve(connection).await {
            Ok(Some((wish, outcome))) => println!("{} {}: {outcome}", wish.count, wish.goods),
            Ok(None) => {}
            Err(error) => eprintln!("a conversation ended: {}", error.report()),
        };
        acceptor.answer(request, serve).await
    };
    Router::new().route("/seller", any(call))
}

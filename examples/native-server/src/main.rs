//! Bob, who is called by browsers: `cargo run -p native-server [ADDRESS]`.

use std::path::Path;

use native_server::{Bob, server};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8000");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| format!("cannot listen on {address}: {error}"))?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, server(Bob::new()?, &examples)).await?;
    Ok(())
}

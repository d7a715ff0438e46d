//! A layer of one's own: refuses to send messages above a size, and says which.
//!
//! ```sh
//! cargo run --example custom-layer
//! ```

use choreo::prelude::*;
use choreo::{Codec, Outgoing, async_trait, forward};

/// Configures the layer.
#[derive(Clone, Copy)]
struct MaxSizeLayer {
    bytes: usize,
}

/// Wraps a handler.
struct MaxSize<H> {
    inner: H,
    bytes: usize,
}

impl<H> Layer<H> for MaxSizeLayer {
    type Service = MaxSize<H>;

    fn layer(&self, inner: H) -> MaxSize<H> {
        MaxSize {
            inner,
            bytes: self.bytes,
        }
    }
}

impl<H> MaxSize<H> {
    fn check(&self, payload: Outgoing<'_>) -> Result<()> {
        let Outgoing::Message(message) = payload else {
            return Ok(());
        };
        let mut encoded = Vec::new();
        message.encode(Codec::default(), &mut encoded)?;
        if encoded.len() <= self.bytes {
            return Ok(());
        }
        let (is, tag, most) = (encoded.len(), message.type_tag(), self.bytes);
        Err(Error::new(
            ErrorKind::Config,
            format!("a {tag} of {is} bytes is above the limit of {most}"),
        ))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<H: ChoreoHandler> ChoreoHandler for MaxSize<H> {
    type Role = H::Role;
    type Endpoint = H::Endpoint;

    async fn send_payload(
        &self,
        endpoint: &H::Endpoint,
        to: &H::Role,
        payload: Outgoing<'_>,
    ) -> Result<()> {
        self.check(payload)?;
        self.inner.send_payload(endpoint, to, payload).await
    }

    async fn send_to_all(
        &self,
        endpoint: &H::Endpoint,
        to: &[H::Role],
        payload: Outgoing<'_>,
    ) -> Result<()> {
        self.check(payload)?;
        self.inner.send_to_all(endpoint, to, payload).await
    }

    // Receiving is not this layer's business.
    forward!(inner: recv_payload, abandon);
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let network = InMemoryNetwork::new();
    let alice = network.join("Alice")?.layer(MaxSizeLayer { bytes: 10 });
    let bob = network.join("Bob")?;

    alice.send(&(), "Bob", &"short").await?;
    println!("Bob got {:?}", bob.recv::<String>(&(), "Alice").await?);

    let error = alice
        .send(&(), "Bob", &"much too long")
        .await
        .expect_err("it is above the limit");
    println!("{error}");

    // The endpoint is as good as before.
    alice
        .send(&(), "Bob", &"short again")
        .await
        .expect_err("12 bytes");
    alice.send(&(), "Bob", &"fits").await?;
    println!("Bob got {:?}", bob.recv::<String>(&(), "Alice").await?);
    Ok(())
}

// The whole test: `cargo test --example custom-layer`.
#[cfg(test)]
choreo_testkit::layer_suite!(MaxSizeLayer { bytes: 4 << 20 });

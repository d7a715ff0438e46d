//! Alice and Bob play ping-pong, each by a program of their own; then the run as a diagram.
//!
//! ```sh
//! cargo run --example ping-pong -- "hello Bob" ping-pong.svg
//! ```

use choreo::middleware::{RecordLayer, Recording};
use choreo::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Alice,
    Bob,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Message {
    Ping(String),
    Pong(String),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let text = arguments.next().unwrap_or_else(|| "hello".to_owned());

    let network = InMemoryNetwork::new();
    let recording = Recording::new();
    let alice = network
        .join(Role::Alice)?
        .layer(RecordLayer::new("Alice", &recording));
    let bob = network
        .join(Role::Bob)?
        .layer(RecordLayer::new("Bob", &recording));

    let bob = tokio::spawn(async move {
        let ping: Message = bob.recv(&(), Role::Alice).await?;
        let Message::Ping(text) = ping else {
            return Err(Error::new(
                ErrorKind::Protocol,
                format!("expected a ping, got {ping:?}"),
            ));
        };
        bob.send(
            &(),
            Role::Alice,
            &Message::Pong(format!("{text}, says Bob")),
        )
        .await
    });

    let program = Program::new()
        .send(Role::Bob, Message::Ping(text))
        .recv::<Message>(Role::Bob)
        .end();
    let result = interpret(&alice, &(), program).await?;
    bob.await??;

    println!("{:?}\n\n{}", result.received_values, recording.to_mermaid());
    if let Some(path) = arguments.next() {
        std::fs::write(&path, recording.to_svg())?;
        println!("The diagram is in {path}.");
    }
    Ok(())
}

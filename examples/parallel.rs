//! A manager asks three workers at once, each within a time limit; one is too slow.
//!
//! ```sh
//! cargo run --example parallel
//! ```

use std::time::Duration;

use choreo::prelude::*;
use choreo::runtime::{Instant, sleep};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Manager,
    Worker(u32),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Message {
    Square(u32),
    Result { worker: u32, square: u32 },
}

/// Answers one task, after thinking about it.
async fn work(handler: InMemoryHandler<Role>, number: u32, thinks: Duration) -> Result<()> {
    if let Message::Square(n) = handler.recv(&(), Role::Manager).await? {
        sleep(thinks).await;
        let result = Message::Result {
            worker: number,
            square: n * n,
        };
        handler.send(&(), Role::Manager, &result).await?;
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let network = InMemoryNetwork::new();
    for (number, thinks) in [(1, 100), (2, 100), (3, 10_000)] {
        let handler = network.join(Role::Worker(number))?;
        tokio::spawn(work(handler, number, Duration::from_millis(thinks)));
    }

    let ask = |number| {
        let worker = Role::Worker(number);
        let answer = Program::new().recv::<Message>(worker);
        Program::new()
            .send(worker, Message::Square(number + 10))
            // Nobody waits longer than this; what the others say is kept.
            .with_timeout_or(Duration::from_millis(300), answer, Program::new())
    };
    let program = Program::new().parallel((1..=3).map(ask)).end();

    let start = Instant::now();
    let manager = network.join(Role::Manager)?;
    let result = interpret(&manager, &(), program).await?;
    for message in &result.received_values {
        println!("{message:?}");
    }
    println!(
        "{} of 3 answers, after {:.1?}",
        result.received_values.len(),
        start.elapsed()
    );
    Ok(())
}

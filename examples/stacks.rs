//! The three ways to stack layers: as a type, in a box, and chosen by an `if` at run time.
//!
//! ```sh
//! cargo run --example stacks -- metrics faults
//! ```

use std::time::Duration;

use choreo::middleware::{
    Fault, FaultInjection, FaultInjectionLayer, Metrics, MetricsLayer, Retry, RetryLayer, Trace,
    TraceLayer,
};
use choreo::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Alice,
    Bob,
}

/// What Alice does, whatever her stack: `?Sized`, so that it takes boxes too.
async fn greet<H>(alice: &H, what: &str) -> Result<()>
where
    H: ChoreoHandler<Role = Role, Endpoint = ()> + ?Sized,
{
    alice.send(&(), Role::Bob, &what).await?;
    println!(
        "{what}: Bob got {}",
        alice.recv::<u32>(&(), Role::Bob).await?
    );
    Ok(())
}

/// Bob answers with how many bytes he got, until Alice leaves.
async fn bob(bob: InMemoryHandler<Role>) {
    while let Ok(text) = bob.recv::<String>(&(), Role::Alice).await {
        if bob
            .send(&(), Role::Alice, &(text.len() as u32))
            .await
            .is_err()
        {
            return;
        }
    }
}

/// A new session, with Bob in it.
fn session() -> Result<InMemoryHandler<Role>> {
    let network = InMemoryNetwork::new();
    tokio::spawn(bob(network.join(Role::Bob)?));
    network.join(Role::Alice)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // A type. The layer that is added last is the outermost.
    let stack: Trace<Retry<InMemoryHandler<Role>>> = session()?
        .layer(RetryLayer::new(3, Duration::from_millis(10)))
        .layer(TraceLayer::new("Alice"));
    greet(&stack, "a stack that is a type").await?;

    // The same by tower, whose first layer is the outermost.
    let stack: Trace<Retry<InMemoryHandler<Role>>> = tower::ServiceBuilder::new()
        .layer(TraceLayer::new("Alice"))
        .layer(RetryLayer::new(3, Duration::from_millis(10)))
        .service(session()?);
    greet(&stack, "the same by tower").await?;

    // A box: all stacks are of one type.
    let stacks: Vec<(&str, BoxHandler<Role>)> = vec![
        ("a box", session()?.boxed()),
        ("a box with a layer", Metrics::new(session()?).boxed()),
        (
            "a box in a layer in a box",
            Retry::new(session()?.boxed(), 3, Duration::ZERO).boxed(),
        ),
    ];
    for (what, stack) in &stacks {
        greet(stack, what).await?;
    }

    // Chosen at run time, here by the command's arguments.
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    let mut stack: BoxHandler<Role> = session()?.boxed();
    let metrics = MetricsLayer::new();
    if chosen.iter().any(|layer| layer == "faults") {
        let faults = FaultInjectionLayer::new()
            .with_seed(7)
            .with_rate(Fault::BeforeSend, 0.5);
        stack = stack
            .layer(faults)
            .layer(RetryLayer::new(20, Duration::from_millis(1)))
            .boxed();
    }
    if chosen.iter().any(|layer| layer == "metrics") {
        stack = stack.layer(metrics.clone()).boxed();
    }
    greet(&stack, &format!("a stack of {chosen:?}")).await?;
    println!("{} sends were counted", metrics.handle().send_count());

    // A layer may also be made by hand, without its configuration.
    let stack = FaultInjection::new(session()?).with_failure_rate(1.0);
    let error = greet(&stack, "never")
        .await
        .expect_err("every operation fails");
    println!("with a failure rate of 100 %: {error}");
    Ok(())
}

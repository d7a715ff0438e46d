//! tower both ways: its own layers on a handler, and a handler served to code that knows only tower.
//!
//! ```sh
//! cargo run --example tower-layers --features tower
//! ```

use std::future::{Ready, ready};
use std::time::Duration;

use choreo::middleware::tower::{HandlerService, Reply, Request, TowerLayer};
use choreo::middleware::{Fault, FaultInjectionLayer};
use choreo::prelude::*;
use choreo::runtime::Instant;
use tower::retry::Policy;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Alice,
    Bob,
}

/// A retry policy as tower knows them: so many times more.
#[derive(Clone)]
struct Stubborn {
    retries: usize,
}

impl Policy<Request<Role>, Reply, Error> for Stubborn {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        request: &mut Request<Role>,
        result: &mut Result<Reply, Error>,
    ) -> Option<Ready<()>> {
        let error = result.as_ref().err()?;
        self.retries = self.retries.checked_sub(1)?;
        println!("to {:?} once more, after: {error}", request.peers());
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Request<Role>) -> Option<Request<Role>> {
        Some(request.clone())
    }
}

/// A network with Alice and Bob.
fn session() -> Result<(InMemoryHandler<Role>, InMemoryHandler<Role>)> {
    let network = InMemoryNetwork::new();
    Ok((network.join(Role::Alice)?, network.join(Role::Bob)?))
}

/// Limits to how many messages go out, and how fast.
async fn limits() -> Result<()> {
    let (alice, bob) = session()?;
    let layers = ServiceBuilder::new()
        .timeout(Duration::from_secs(5))
        .buffer(8)
        .concurrency_limit(2)
        .rate_limit(2, Duration::from_millis(100));
    let alice = alice.layer(TowerLayer::new(layers)).boxed();
    let begin = Instant::now();
    for n in 1..=5_u32 {
        alice.send(&(), Role::Bob, &n).await?;
        let got: u32 = bob.recv(&(), Role::Alice).await?;
        println!("{got} of 5, after {:.0?}", begin.elapsed());
    }
    Ok(())
}

/// What is too much is refused rather than held back.
async fn load_shedding() -> Result<()> {
    let (alice, bob) = session()?;
    let layers = ServiceBuilder::new()
        .load_shed()
        .rate_limit(1, Duration::from_secs(60));
    let alice = alice.layer(TowerLayer::new(layers));
    alice.send(&(), Role::Bob, &"the only one").await?;
    let refused = alice.send(&(), Role::Bob, &"one too many").await;
    let error = refused.expect_err("the limit is reached");
    println!("{error} (kind {:?})", error.kind());
    println!("Bob got {}", bob.recv::<String>(&(), Role::Alice).await?);
    Ok(())
}

/// tower decides when to try again; what may have arrived is sent only once whatever it decides.
async fn a_policy() -> Result<()> {
    let (alice, bob) = session()?;
    let alice = alice
        .layer(FaultInjectionLayer::new().with_schedule(Fault::BeforeSend, [1, 2]))
        .layer(TowerLayer::new(
            ServiceBuilder::new().retry(Stubborn { retries: 5 }),
        ));
    alice.send(&(), Role::Bob, &"third time lucky").await?;
    println!("Bob got {}", bob.recv::<String>(&(), Role::Alice).await?);
    Ok(())
}

/// Asks any service twice; it knows nothing of choreographies.
async fn ask_twice<S, Q>(service: S, first: Q, second: Q) -> Result<S::Response, BoxError>
where
    S: Service<Q, Error: Into<BoxError>> + Clone,
{
    let asked = service.clone().oneshot(first).await;
    asked.map_err(Into::into)?;
    service.oneshot(second).await.map_err(Into::into)
}

/// The other way round: a handler as a service.
async fn a_service() -> Result<(), BoxError> {
    let (alice, bob) = session()?;
    let alice = ServiceBuilder::new()
        .timeout(Duration::from_secs(5))
        .service(HandlerService::new(alice, ()));
    let (asked, answered) = futures::join!(
        ask_twice(
            alice,
            Request::send(Role::Bob, 20_u32),
            Request::recv(Role::Bob)
        ),
        async {
            let number: u32 = bob.recv(&(), Role::Alice).await?;
            bob.send(&(), Role::Alice, &(2 * number + 2)).await
        },
    );
    answered?;
    println!("Bob says {}", asked?.message::<u32>()?);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    limits().await?;
    load_shedding().await?;
    a_policy().await?;
    a_service().await
}

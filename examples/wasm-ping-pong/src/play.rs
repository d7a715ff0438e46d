use choreo::{BoxFuture, BoxHandler, ErrorKind, InMemoryNetwork, Result, interpret};
use futures::future::join;

use crate::protocol::{self, Role};
use crate::stack::{Instruments, stack};
use crate::{Failure, Options};

/// Runs the protocol: Alice and Bob at the same time, over a network in memory and a stack each.
/// Returns the last pong.
///
/// # Errors
/// What stopped them; where one failed because the other had left, why the other had.
///
/// # Cancel safety
/// When it is dropped both end.
pub async fn play(options: &Options, instruments: &Instruments) -> Result<String, Failure> {
    if options.trace {
        instruments.log.listen();
    }
    let network = InMemoryNetwork::new();
    let join_network = |role| {
        let joined = network.join(role);
        joined.map(|handler| stack(handler, options, instruments))
    };
    let alice = || join_network(Role::Alice);
    meet(alice, || join_network(Role::Bob), options).await
}

/// The same, over stacks that are made as they are due.
pub(crate) async fn meet(
    alice: impl FnOnce() -> Result<BoxHandler<Role>> + Send,
    bob: impl FnOnce() -> Result<BoxHandler<Role>> + Send,
    options: &Options,
) -> Result<String, Failure> {
    let rounds = options.rounds;
    let alice: BoxFuture<'_, Result<String>> = Box::pin(async move {
        let alice = alice()?;
        let program = protocol::alice(&options.message, rounds);
        protocol::reply(interpret(&alice, &(), program).await?.received_values)
    });
    let bob: BoxFuture<'_, Result<String>> = Box::pin(async move {
        let bob = bob()?;
        protocol::bob(&bob, &(), rounds)
            .await
            .map(|()| String::new())
    });

    let (role, error) = match join(alice, bob).await {
        (Ok(reply), Ok(_)) => return Ok(reply),
        (Err(gone), Err(cause)) if gone.kind() == ErrorKind::Closed => ("Bob", cause),
        (Err(error), _) => ("Alice", error),
        (Ok(_), Err(error)) => ("Bob", error),
    };
    Err(Failure::of_run(role, error, options))
}

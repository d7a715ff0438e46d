use choreo::{ErrorKind, InMemoryNetwork, interpret};
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
    let alice =
        join_network(Role::Alice).map_err(|error| Failure::of_run("Alice", error, options))?;
    let bob = join_network(Role::Bob).map_err(|error| Failure::of_run("Bob", error, options))?;

    let rounds = options.rounds;
    let program = protocol::alice(&options.message, rounds);
    let alice = async move {
        let result = interpret(&alice, &(), program).await?;
        protocol::reply(result.received_values)
    };
    let bob = async move { protocol::bob(&bob, &(), rounds).await };

    let (role, error) = match join(alice, bob).await {
        (Ok(reply), Ok(())) => return Ok(reply),
        (Err(gone), Err(cause)) if gone.kind() == ErrorKind::Closed => ("Bob", cause),
        (Err(error), _) => ("Alice", error),
        (Ok(_), Err(error)) => ("Bob", error),
    };
    Err(Failure::of_run(role, error, options))
}

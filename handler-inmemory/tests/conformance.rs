//! The in-memory handler keeps every promise of a handler.

use choreo_core::ChoreoHandlerExt;
use choreo_handler_inmemory::{InMemoryHandler, InMemoryNetwork};
use choreo_testkit::{from_fn, handler_suite};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Alice,
    Bob,
    Carol,
}

const ROLES: [Role; 3] = [Role::Alice, Role::Bob, Role::Carol];

fn join(network: &InMemoryNetwork<Role>, roles: &[Role]) -> Vec<(InMemoryHandler<Role>, ())> {
    let join = |role: &Role| (network.join(*role).expect("a new network"), ());
    roles.iter().map(join).collect()
}

const DEFAULT: usize = InMemoryNetwork::<Role>::DEFAULT_CAPACITY;
handler_suite!(
    open,
    from_fn(ROLES, DEFAULT, |roles| join(&InMemoryNetwork::new(), roles))
);
handler_suite!(
    of_roles,
    from_fn(ROLES, DEFAULT, |roles| join(
        &InMemoryNetwork::of(ROLES),
        roles
    ))
);
handler_suite!(
    capacity_of_one,
    from_fn(ROLES, 1, |roles| join(
        &InMemoryNetwork::with_capacity(1),
        roles
    ))
);
handler_suite!(
    boxed_and_bound,
    from_fn(ROLES, DEFAULT, |roles| {
        let handlers = join(&InMemoryNetwork::new(), roles).into_iter();
        handlers
            .map(|(handler, ())| (handler.bind(()).boxed(), ()))
            .collect()
    })
);

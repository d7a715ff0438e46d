//! Handlers keep every promise in JSON, too.

use choreo_codec_json::CODEC;
use choreo_handler_inmemory::InMemoryNetwork;
use choreo_handler_rumpsteak::{RumpsteakEndpoint, RumpsteakHandler, SimpleChannel};
use choreo_testkit::{from_fn, handler_suite};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Alice,
    Bob,
    Carol,
}

const ROLES: [Role; 3] = [Role::Alice, Role::Bob, Role::Carol];
const IN_MEMORY: usize = InMemoryNetwork::<Role>::DEFAULT_CAPACITY;
const CHANNEL: usize = SimpleChannel::DEFAULT_CAPACITY;

handler_suite!(
    in_memory,
    from_fn(ROLES, IN_MEMORY, |roles| {
        let network = InMemoryNetwork::new();
        let join = |role: &Role| network.join(*role).expect("a new network");
        let handlers = roles.iter().map(join);
        handlers
            .map(|handler| (handler.with_codec(CODEC), ()))
            .collect()
    })
);

handler_suite!(
    rumpsteak,
    from_fn(ROLES, CHANNEL, |roles| {
        let endpoint = |role: &Role| RumpsteakEndpoint::new(*role).with_codec(CODEC);
        let endpoints: Vec<_> = roles.iter().map(endpoint).collect();
        for (index, left) in endpoints.iter().enumerate() {
            for right in &endpoints[index + 1..] {
                let (to_right, to_left) = SimpleChannel::pair();
                left.register_channel(*right.role(), to_right);
                right.register_channel(*left.role(), to_left);
            }
        }
        let endpoints = endpoints.into_iter();
        endpoints
            .map(|endpoint| (RumpsteakHandler::new(), endpoint))
            .collect()
    })
);

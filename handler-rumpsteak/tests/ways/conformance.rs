//! The handler keeps every promise of a handler, whatever carries the frames.

use choreo_core::{BoxHandler, ChoreoHandlerExt, RoleId};
use choreo_handler_rumpsteak::{
    RumpsteakEndpoint, RumpsteakHandler, RumpsteakSession, SimpleChannel,
};
use choreo_testkit::{from_fn, handler_suite};
use futures::channel::mpsc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Alice,
    Bob,
    Carol,
}

const ROLES: [Role; 3] = [Role::Alice, Role::Bob, Role::Carol];

type Member<R> = (RumpsteakHandler<R>, RumpsteakEndpoint<R>);

/// Endpoints of these roles, with a way between each two of them.
fn session<R: RoleId>(
    roles: &[R],
    way: impl Fn() -> (RumpsteakSession, RumpsteakSession),
) -> Vec<Member<R>> {
    let endpoints: Vec<_> = roles.iter().cloned().map(RumpsteakEndpoint::new).collect();
    for (index, left) in endpoints.iter().enumerate() {
        for right in &endpoints[index + 1..] {
            let (to_right, to_left) = way();
            left.register_session(right.role().clone(), to_right);
            right.register_session(left.role().clone(), to_left);
        }
    }
    let endpoints = endpoints.into_iter();
    endpoints
        .map(|endpoint| (RumpsteakHandler::new(), endpoint))
        .collect()
}

fn channel(capacity: usize) -> (RumpsteakSession, RumpsteakSession) {
    let (left, right) = SimpleChannel::pair_with_capacity(capacity);
    (left.into(), right.into())
}

/// A channel that is treated as somebody else's transport.
fn transport() -> (RumpsteakSession, RumpsteakSession) {
    let (left, right) = SimpleChannel::pair();
    (
        RumpsteakSession::from_transport(left),
        RumpsteakSession::from_transport(Box::new(right)),
    )
}

fn sink_stream(buffer: usize) -> (RumpsteakSession, RumpsteakSession) {
    let (to_right, from_left) = mpsc::channel::<Vec<u8>>(buffer);
    let (to_left, from_right) = mpsc::channel::<Vec<u8>>(buffer);
    (
        RumpsteakSession::from_sink_stream(to_right, from_right),
        RumpsteakSession::from_sink_stream(to_left, from_left),
    )
}

const DEFAULT: usize = SimpleChannel::DEFAULT_CAPACITY;
handler_suite!(
    simple_channel,
    from_fn(ROLES, DEFAULT, |roles| session(roles, || channel(DEFAULT)))
);
handler_suite!(
    capacity_of_one,
    from_fn(ROLES, 1, |roles| session(roles, || channel(1)))
);
handler_suite!(
    of_a_transport,
    from_fn(ROLES, DEFAULT, |roles| session(roles, transport))
);
// The channel holds one more for each sender, of which there is one.
handler_suite!(
    of_a_sink_and_a_stream,
    from_fn(ROLES, 9, |roles| session(roles, || sink_stream(8)))
);
handler_suite!(
    narrow_sink,
    from_fn(ROLES, 2, |roles| session(roles, || sink_stream(1)))
);
handler_suite!(
    boxed_and_bound,
    from_fn(ROLES, DEFAULT, |roles| {
        let members = session(roles, || channel(DEFAULT)).into_iter();
        let bound = |(handler, endpoint): Member<Role>| -> (BoxHandler<Role>, ()) {
            (handler.bind(endpoint).boxed(), ())
        };
        members.map(bound).collect()
    })
);

/// Frames in a byte stream, which takes them in pieces.
#[cfg(not(target_arch = "wasm32"))]
mod framed {
    use choreo_core::Bytes;
    use futures::StreamExt;
    use tokio_util::codec::{Framed, LengthDelimitedCodec};

    use super::*;

    fn pipe() -> (RumpsteakSession, RumpsteakSession) {
        let (left, right) = tokio::io::duplex(64);
        let end = |io| {
            let (sink, stream) = Framed::new(io, LengthDelimitedCodec::new()).split::<Bytes>();
            RumpsteakSession::from_sink_stream(sink, stream)
        };
        (end(left), end(right))
    }

    // A message of one byte takes ten, and what the codec takes up whole waits beside the pipe.
    handler_suite!(from_fn(ROLES, 10, |roles| session(roles, pipe)));
}
